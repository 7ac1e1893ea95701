{{- define "headgate.monitorRules" -}}
- apiGroups: [headgate.dev]
  resources: [aimodels]
  verbs: [get, list]
{{- if not .Values.watchNamespaces }}
- apiGroups: [headgate.dev]
  resources: [rolloutpolicies]
  verbs: [list]
{{- end }}
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
{{- if (.Values.monitor).unmanaged }}
# What may run models or talk to AI services. Pods name the hosts in their environment.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [list]
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [serving.kserve.io]
  resources: [inferenceservices]
  verbs: [list]
- apiGroups: [networking.istio.io]
  resources: [serviceentries]
  verbs: [list]
- apiGroups: [cilium.io]
  resources: [ciliumnetworkpolicies]
  verbs: [list]
- apiGroups: [projectcalico.org]
  resources: [networkpolicies]
  verbs: [list]
{{- end }}
{{- end }}
