-- Judge first, write afterwards: what fails while judging has changed nothing. Judging is that of
-- projections/projector.py, event by event, each on the row that those before it have left.
--
-- An event: type, id, epoch, number, previous number (or false), and of an order that is there
-- customer, status, placed at. A poison event: minus the type, id, epoch, number (or false), reason.

local rows = {{}, {}, {}} -- of each type, by id: what is stored, then what will be
local marks = {{}, {}, {}} -- of each type, by id: the version a suspect row has to reach
local parked = {} -- poison events with their version, in order

local function listing_of(header, from)
  return header[from] and {header[from], header[from + 1], header[from + 2]} or nil
end

local function load_rows_of(type, ids)
  local at, of_type = 1, rows[type]
  each_chunk(ids, function(...)
    local values = redis.call('HMGET', key_of(SOURCES[type], 'rows'), ...)
    for _, value in ipairs(values) do
      local row = {}
      if value then
        local header = header_of(value)
        row.epoch, row.number, row.is_healed = header[1], header[2], header[3] ~= false
        row.value, row.listing = value, listing_of(header, 4)
        row.was_listed = row.listing
      end
      of_type[ids[at]] = row
      at = at + 1
    end
  end)
end

local function load_marks_of(type, ids)
  local key = key_of(SOURCES[type], 'suspects')
  if redis.call('EXISTS', key) == 0 then return end
  local at = 1
  each_chunk(ids, function(...)
    for _, mark in ipairs(redis.call('HMGET', key, ...)) do
      if mark then
        local until_epoch, until_number = unpack(cmsgpack.unpack(mark))
        marks[type][ids[at]] = {epoch = until_epoch, number = until_number, is_stored = true}
      end
      at = at + 1
    end
  end)
end

local function load_rows(events)
  local ids = {{}, {}, {}}
  for _, event in ipairs(events) do
    local type, id = math.abs(event[1]), event[2]
    if not rows[type][id] then
      rows[type][id] = {}
      ids[type][#ids[type] + 1] = id
    end
  end
  for type = 1, 3 do
    if #ids[type] > 0 then
      load_rows_of(type, ids[type])
      load_marks_of(type, ids[type])
    end
  end
end

local function replace_row(row, event, value)
  row.epoch, row.number, row.is_healed = event[3], event[4], false
  row.value, row.listing, row.is_dirty = value, listing_of(event, 6), true
  tell_version(event[1], event[2], event[3], event[4])
end

local function is_ahead(event, row)
  return not row.epoch or is_newer(event[3], event[4], row.epoch, row.number)
end

-- A: applied, G: applied over a gap, S: a duplicate that the stream has now reached, D: a duplicate.
local function judge(event, value)
  local row, previous = rows[event[1]][event[2]], event[5]
  if is_ahead(event, row) then
    local has_gap
    if row.epoch then
      has_gap = row.epoch == event[3] and previous ~= row.number
    else
      has_gap = previous and previous ~= 0
    end
    replace_row(row, event, value)
    return has_gap and 'G' or 'A'
  end
  if row.is_healed and row.epoch == event[3] and row.number == event[4] then
    row.is_healed, row.value, row.is_dirty = false, streamed(row.value), true
    return 'S'
  end
  return 'D'
end

-- The value of a live answer says that it is ahead of the stream.
local function judge_healing(event, value)
  local row = rows[event[1]][event[2]]
  if is_ahead(event, row) then replace_row(row, event, value) end
end

local function park(event, raw)
  local type, id, epoch, number = -event[1], event[2], event[3], event[4]
  local row, mark = rows[type][id], marks[type][id]
  if not epoch then
    epoch, number = row.epoch or 0, row.epoch and row.number + 1 or 0
  end
  if not mark or is_newer(epoch, number, mark.epoch, mark.number) then
    marks[type][id] = {epoch = epoch, number = number, is_stored = mark and mark.is_stored, is_new = true}
  end
  parked[#parked + 1] = {type, id, epoch, number, event[5], raw}
  tell_version(type, id, epoch, number)
  return 'P'
end

local function is_suspect(type, id)
  local row, mark = rows[type][id], marks[type][id]
  return mark and (not row.epoch or is_newer(mark.epoch, mark.number, row.epoch, row.number))
end
