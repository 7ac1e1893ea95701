-- Health of a RolloutPolicy. It has no status: what is wrong with it is refused when it is applied, and one that cannot be used is told by
-- the AIModels that name it (PolicyNotFound, PolicyInvalid). So an accepted policy is Healthy, and the message says what it lets happen.
-- Argo CD runs this without Lua's string library.

local steps = ""
for _, stage in ipairs(obj.spec.stages or {}) do
  local share
  if stage.mirrorPercent ~= nil then
    share = "copies of " .. stage.mirrorPercent .. " %"
  elseif stage.trafficPercent ~= nil then
    share = stage.trafficPercent .. " %"
  else
    share = "all but " .. (stage.holdbackPercent or 0) .. " %"
  end
  if steps ~= "" then
    steps = steps .. ", "
  end
  steps = steps .. stage.name .. " (" .. share .. ")"
end
return { status = "Healthy", message = "rollouts that begin from now on: " .. steps .. ". Those under way keep their copy" }
