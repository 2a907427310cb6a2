-- Write verified live answers back. ARGV[1]: target, incarnation to use if there is none, the
-- answers as events. ARGV[1 + n]: the value of the nth.

local target, incarnation, events = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end
load_rows(events)
for at, event in ipairs(events) do
  judge_healing(event, ARGV[at + 1])
end

touch_all_keys()
write_rows()
write_marks()
if not target and has_news() then publish(incarnation, {}, {}) end
return 1
