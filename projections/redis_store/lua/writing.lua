-- The writes that follow the judging: rows, listings, marks.

local function members(id, listing)
  if not listing then return {} end
  local place = listing[3] .. '\0' .. id
  return {listing[1] .. '\0*\0' .. place, listing[1] .. '\0' .. listing[2] .. '\0' .. place}
end

local function move_listings(moves, id, row)
  local was, now = members(id, row.was_listed), members(id, row.listing)
  for place = 1, 2 do
    if was[place] ~= now[place] then
      if was[place] then moves.leaving[#moves.leaving + 1] = was[place] end
      if now[place] then
        moves.joining[#moves.joining + 1] = 0
        moves.joining[#moves.joining + 1] = now[place]
      end
      if row.was_listed then customers[row.was_listed[1]] = true end
      if row.listing then customers[row.listing[1]] = true end
    end
  end
end

local function write_rows()
  local moves = {leaving = {}, joining = {}}
  for type = 1, 3 do
    local values = {}
    for id, row in pairs(rows[type]) do
      if row.is_dirty then
        values[#values + 1] = id
        values[#values + 1] = row.value
        if type == 1 then move_listings(moves, id, row) end
      end
    end
    each_chunk(values, function(...)
      redis.call('HSET', key_of(SOURCES[type], 'rows'), ...)
    end)
  end
  local listing = key_of('orders', 'listing')
  each_chunk(moves.leaving, function(...) redis.call('ZREM', listing, ...) end)
  each_chunk(moves.joining, function(...) redis.call('ZADD', listing, ...) end)
end

-- A mark that its row has reached is taken away.
local function write_marks()
  for type = 1, 3 do
    local key = key_of(SOURCES[type], 'suspects')
    for id, mark in pairs(marks[type]) do
      if not is_suspect(type, id) then
        if mark.is_stored then redis.call('HDEL', key, id) end
      elseif mark.is_new then
        redis.call('HSET', key, id, cmsgpack.pack({mark.epoch, mark.number}))
      end
    end
  end
end
