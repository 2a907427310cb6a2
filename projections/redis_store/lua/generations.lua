-- The number of the active generation of each source: source and number in turn.

local active, found = active_generations(), {}
for _, source in ipairs(SOURCES) do
  found[#found + 1] = source
  found[#found + 1] = active[source]
end
return found
