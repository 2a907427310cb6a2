-- Apply one batch, if it follows what is stored. ARGV[1]: target, incarnation to use if there is
-- none, source, partition index, cursor it follows (or false), position, now, the partition's name,
-- limit of letters, events. ARGV[1 + n]: the value of the nth event's row, or the poison as it came.
-- Answers with one letter a verdict, the versions parked until, the values newly streamed.

local target, incarnation, source, index, after, position, now_s, partition, limit, events =
  unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
local positions = key_of(source, 'positions')
local stored = redis.call('HGET', positions, index)
local cursor = stored and cmsgpack.unpack(stored)[2]
if cursor ~= after then return false end

load_rows(events)
local verdicts, streamed_values = {}, {}
for at, event in ipairs(events) do
  local value = ARGV[at + 1]
  if event[1] < 0 then
    verdicts[at] = park(event, value)
  else
    verdicts[at] = judge(event, value)
    if verdicts[at] == 'S' then
      streamed_values[#streamed_values + 1] = rows[event[1]][event[2]].value
    end
  end
end

touch_all_keys()
write_rows()
write_marks()
if #parked > 0 then keep_letters(partition, position[2], now_s, limit) end
local packed = cmsgpack.pack(position)
if packed ~= stored then redis.call('HSET', positions, index, packed) end
if not target and (has_news() or packed ~= stored) then
  publish(incarnation, {{source, tonumber(index), unpack(position)}}, {})
end

local untils = {}
for _, letter in ipairs(parked) do
  untils[#untils + 1] = letter[3]
  untils[#untils + 1] = letter[4]
end
return {table.concat(verdicts), untils, streamed_values}
