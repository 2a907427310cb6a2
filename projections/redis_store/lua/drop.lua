-- Drop the generations beside the active one. ARGV[1]: 1 for what is built, -1 for what was before.
-- ARGV[2] and on: sources.

local active = active_generations()
for at = 2, #ARGV do
  local source = ARGV[at]
  redis.call('UNLINK', unpack(keys_in(source, active[source] + tonumber(ARGV[1]))))
end
return #ARGV - 1
