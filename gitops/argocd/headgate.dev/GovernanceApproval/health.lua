-- Health of a GovernanceApproval. What a decision does to a rollout is the health of its AIModel; here it is only whether the decision was
-- understood. One that counts no more (of an earlier version, or expired) stays Healthy: it is a record, and old records must not turn an
-- application red. Argo CD runs this without Lua's string library.

local status = obj.status
local spec = obj.spec or {}
local what = (spec.decision or "decision") .. " by " .. (spec.approver or "nobody")

if status == nil or status.state == nil then
  return {
    status = "Progressing",
    message = what .. " is not read yet. If this lasts: is there an AIModel " .. (spec.model or "") .. " in this namespace?",
  }
end

local message = what .. ": " .. status.state
if (status.message or "") ~= "" then
  message = message .. ": " .. status.message
end
if status.state == "Counted" or status.state == "TakenUp" or status.state == "NotCounted" or status.state == "Unproven" then
  return { status = "Healthy", message = message }
end
if status.state == "Unverified" or status.state == "Refused" then
  return { status = "Degraded", message = message }
end
return { status = "Unknown", message = message }
