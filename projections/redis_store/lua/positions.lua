-- All positions of a source. ARGV[1]: target, source. Fields and values; false if there is no such
-- generation any more.

local target, source = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
return redis.call('HGETALL', key_of(source, 'positions'))
