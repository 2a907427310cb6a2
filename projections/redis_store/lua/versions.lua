-- The versions of some rows. ARGV[1]: target, ids of each type. Epoch and number in turn, in the
-- order asked; -1 twice where there is no row.

local target, ids = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
local found = {}
for type = 1, 3 do
  each_chunk(ids[type], function(...)
    for _, value in ipairs(redis.call('HMGET', key_of(SOURCES[type], 'rows'), ...)) do
      local header = value and header_of(value) or {-1, -1}
      found[#found + 1] = header[1]
      found[#found + 1] = header[2]
    end
  end)
end
return found
