-- How many rows and suspects a source has. ARGV[1]: target, source.

local target, source = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
return {
  generation[source],
  redis.call('HLEN', key_of(source, 'rows')),
  redis.call('HLEN', key_of(source, 'suspects')),
}
