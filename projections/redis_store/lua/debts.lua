-- Add to debts that time pays back. ARGV[1]: name, seconds that no debt is longer than, and for each
-- debt its key and the seconds that are added. Answers the milliseconds that each has left.
-- A debt that is paid back is no key any more, so there are no more keys than debtors.

local name, longest_s, added = unpack(cmsgpack.unpack(ARGV[1]))
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000

local left = {}
for at, debt in ipairs(added) do
  local key = ROOT .. ':' .. name .. ':' .. debt[1]
  local paid_back_at_ms = math.max(tonumber(redis.call('GET', key) or 0), now_ms) + debt[2] * 1000
  paid_back_at_ms = math.min(paid_back_at_ms, now_ms + longest_s * 1000)
  local left_ms = math.ceil(paid_back_at_ms - now_ms)
  if left_ms > 0 then
    redis.call('SET', key, string.format('%.3f', paid_back_at_ms), 'PX', left_ms)
  end
  left[at] = left_ms
end
return left
