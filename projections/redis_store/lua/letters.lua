-- The newest dead letters. ARGV[1]: how many; or ARGV[2]: the id of one. Each is its header and raw.

local ids = ARGV[2] and {ARGV[2]} or redis.call('ZRANGE', LETTERS_ORDER, 0, ARGV[1] - 1, 'REV')
local found = {}
for _, id in ipairs(ids) do
  local header = redis.call('HGET', LETTERS, id)
  if header then
    found[#found + 1] = {header, redis.call('HGET', LETTERS_RAW, id)}
  end
end
return found
