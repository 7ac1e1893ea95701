-- Health of a TrustStore. It has no status, and the API server lets it have no other name than the one that is read. Nobody in it is a
-- mistake that nothing else tells: then nobody can approve above tier Low. Argo CD runs this without Lua's string library.

local persons = obj.spec ~= nil and obj.spec.persons or {}
local keys = 0
for _, person in ipairs(persons) do
  keys = keys + #(person.keys or {})
end
if #persons == 0 then
  return { status = "Degraded", message = "it lists nobody: nobody's approval counts above tier Low" }
end
return { status = "Healthy", message = #persons .. " persons, " .. keys .. " keys. It counts in the operator's policy namespace alone" }
