-- Ids of rows of a source, drawn at random, each once. ARGV[1]: target, source, how many.

local target, source, count = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
return redis.call('HRANDFIELD', key_of(source, 'rows'), count)
