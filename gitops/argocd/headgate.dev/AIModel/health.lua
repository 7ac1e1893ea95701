-- Health of an AIModel. Progressing: a version is on its way. Suspended: it goes on when a person decides. Healthy: the version that Git
-- asks for is live. Degraded: it is not going to be, or users do not get the version that they should; somebody has to act.
-- Argo CD runs this without Lua's string library.

local waits_for_a_person = {
  ApprovalLapsed = true,
  ApprovalMissing = true,
  DeadlineExceeded = true,
  Paused = true,
  PromoteRequired = true,
  WaitingForApproval = true,
}

local has_to_be_repaired = {
  AccessDenied = true,
  AuditBroken = true,
  ConfigurationMissing = true,
  CrashLoop = true,
  Degraded = true,
  GovernanceNotEnforced = true,
  ImageUnavailable = true,
  RouteNotAccepted = true,
  RouteRefused = true,
  SharedFailure = true,
  WorkloadRefused = true,
}

local on_its_way = { Pending = true, Preparing = true, Shadow = true, Canary = true, Full = true, RollingBack = true }
local waiting = { AwaitingUseCase = true, AwaitingDeployment = true }
local stopped = { Denied = true, Frozen = true, RolledBack = true }

local function health(status, message)
  return { status = status, message = message }
end

local status = obj.status
if status == nil or status.phase == nil then
  return health("Progressing", "Headgate has not read it yet. If this lasts: does the operator run, and does it watch this namespace?")
end
if (tonumber(status.observedGeneration) or 0) < (tonumber(obj.metadata.generation) or 0) then
  return health("Progressing", "Headgate has not read the last change yet")
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local function words(kind)
  return conditions[kind] ~= nil and conditions[kind].message or ""
end

local phase = status.phase
local ready = conditions.Ready or { status = "Unknown", reason = "", message = "" }
local said = ready.message or ""
if said == "" then
  said = phase
end

-- Before all else: what users get. Before the first version is live there is nothing that they could miss.
if status.stable ~= nil and is("Serving", "False") then
  return health("Degraded", "users do not get the live version: " .. words("Serving"))
end
if stopped[phase] then
  return health("Degraded", said)
end
if has_to_be_repaired[ready.reason] then
  return health("Degraded", said)
end
if status.paused ~= nil then
  return health("Suspended", said .. ". It goes on after `kubectl headgate resume`")
end
if waits_for_a_person[ready.reason] then
  return health("Suspended", said)
end
if is("Stalled", "True") then
  return health("Degraded", words("Stalled"))
end
if waiting[phase] then
  return health("Suspended", said)
end
if phase == "Live" then
  if ready.status == "True" then
    return health("Healthy", said .. ": " .. words("Serving"))
  end
  return health("Degraded", said)
end
if on_its_way[phase] then
  local share = status.trafficSummary or ""
  if share ~= "" then
    said = said .. " (traffic in %: " .. share .. ")"
  end
  return health("Progressing", said)
end
return health("Unknown", "this health check is older than the phase " .. phase .. ": take the one of the release that runs")
