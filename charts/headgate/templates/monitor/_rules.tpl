{{- define "headgate.monitorRules" -}}
- apiGroups: [headgate.dev]
  resources: [aimodels]
  verbs: [get, list]
- apiGroups: [headgate.dev]
  resources: [rolloutpolicies]
  verbs: [list]
# Its own part alone: templates/monitor/admission.yaml.
- apiGroups: [headgate.dev]
  resources: [aimodels/status]
  verbs: [patch]
- apiGroups: [headgate.dev]
  resources: [aimodels/finalizers]
  verbs: [update]
# References and its own results. Which ones are read stands in the models; a create cannot be limited to a name.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch]
{{- if (.Values.monitor).retraining }}
# Jobs that models name for their retraining.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, create]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
