-- Make what is built the active generation of some sources, all at once. ARGV[1]: incarnation to use
-- if there is none, then of each source the cursors by partition at which it has to stand. Refuses,
-- naming source and partition, when it has moved on; or the source alone, when less is built.
-- The generation before is kept for a roll-back, the one before that is dropped.

local incarnation, expected = unpack(cmsgpack.unpack(ARGV[1]))
local active, sources = active_generations(), {}

local function cursors_of(source, number)
  local found = redis.call('HGETALL', key_in(source, number, 'positions'))
  local cursors = {}
  for at = 1, #found, 2 do
    cursors[found[at]] = cmsgpack.unpack(found[at + 1])[2]
  end
  return cursors
end

for source, cursors in pairs(expected) do
  local standing = cursors_of(source, active[source])
  for index, cursor in pairs(standing) do
    if cursors[index] ~= cursor then return {source, index} end
  end
  local built = cursors_of(source, active[source] + 1)
  for index in pairs(cursors) do
    if not standing[index] then return {source, index} end
    if not built[index] then return {source} end
  end
  if not next(built) then return {source} end
  sources[#sources + 1] = source
end

generation = active
touch_all_keys()
for _, source in ipairs(sources) do
  redis.call('HSET', KEYS[1], source, active[source] + 1)
  redis.call('UNLINK', unpack(keys_in(source, active[source] - 1)))
end
publish(incarnation, {}, sources)
return {}
