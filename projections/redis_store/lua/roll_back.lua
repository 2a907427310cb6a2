-- Make the generation before the active one again, all sources at once. ARGV[1]: incarnation to use
-- if there is none, sources. Its positions are not caught up: much has happened since they were.
-- Refuses, naming the source, when there is no such generation.

local incarnation, sources = unpack(cmsgpack.unpack(ARGV[1]))
local active = active_generations()

for _, source in ipairs(sources) do
  local key = key_in(source, active[source] - 1, 'positions')
  if redis.call('EXISTS', key) == 0 then return {source} end
end

generation = active
touch_all_keys()
for _, source in ipairs(sources) do
  local key = key_in(source, active[source] - 1, 'positions')
  local found = redis.call('HGETALL', key)
  for at = 1, #found, 2 do
    local position = cmsgpack.unpack(found[at + 1])
    position[4] = false
    redis.call('HSET', key, found[at], cmsgpack.pack(position))
  end
  redis.call('HSET', KEYS[1], source, active[source] - 1)
end
publish(incarnation, {}, sources)
return {}
