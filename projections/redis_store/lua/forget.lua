-- Drop what a source brought, if its partition still stands at the cursor. ARGV[1]: target,
-- incarnation to use if there is none, source, partition index, cursor.

local target, incarnation, source, index, cursor = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return 0 end
local stored = redis.call('HGET', key_of(source, 'positions'), index)
if not stored or cmsgpack.unpack(stored)[2] ~= cursor then return 0 end

touch_all_keys()
redis.call('UNLINK', unpack(keys_in(source, generation[source])))
if not target then publish(incarnation, {}, {source}) end
return 1
