-- Apply what a dead letter has been read as, and remove the letter. ARGV[1]: incarnation to use if
-- there is none, the letter's id, the event. ARGV[2]: the value of its row.

local incarnation, id, event = unpack(cmsgpack.unpack(ARGV[1]))

work_on(false)
load_rows({event})
local verdict = judge(event, ARGV[2])

touch_all_keys()
write_rows()
write_marks()
remove_letters({id})
if has_news() then publish(incarnation, {}, {}) end
return {verdict, {}, verdict == 'S' and {rows[event[1]][event[2]].value} or {}}
