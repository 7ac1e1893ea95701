{{/* The approval roles that people give. */}}
{{- define "headgate.approvalRoles" -}}
[technical-validation, fairness-audit, security-review, legal-approval, executive-sponsor, business-owner, risk-review]
{{- end }}

{{- define "headgate.approverRules" -}}
where: models
rules:
- apiGroups: [headgate.dev]
  resources: [aimodels, rolloutpolicies, governanceapprovals]
  verbs: [get, list, watch]
- apiGroups: [headgate.dev]
  resources: [governanceapprovals]
  verbs: [create]
- apiGroups: [headgate.dev]
  resources: [governanceapprovals]
  resourceNames: [usecase.{{ . }}, deployment.{{ . }}, continuation.{{ . }}{{ if eq . "legal-approval" }}, tierlowering.{{ . }}{{ end }}]
  verbs: [approve]
{{- end }}

{{/* All roles for people, by name: those of files/roles.yaml and one for each approval role. */}}
{{- define "headgate.people" -}}
{{- $roles := .Files.Get "files/roles.yaml" | fromYaml }}
{{- range include "headgate.approvalRoles" . | fromYamlArray }}
{{- $_ := set $roles (printf "approver-%s" .) (include "headgate.approverRules" . | fromYaml) }}
{{- end }}
{{- toYaml $roles }}
{{- end }}

{{/* The namespaces that a role is for, as a YAML list; empty for all. Takes (dict "root" $ "where" "…"). */}}
{{- define "headgate.namespacesOf" -}}
{{- if eq .where "policies" }}{{ list (include "headgate.policyNamespace" .root) | toYaml }}
{{- else if eq .where "operator" }}{{ list .root.Release.Namespace | toYaml }}
{{- else }}{{ toYaml .root.Values.watchNamespaces }}
{{- end }}
{{- end }}
