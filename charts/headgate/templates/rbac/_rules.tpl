{{/* What the operator needs where AIModels are served. It never replaces an object, so nothing here says update. */}}
{{- define "headgate.servingRules" -}}
- apiGroups: [headgate.dev]
  resources: [aimodels, rolloutpolicies, governanceapprovals]
  verbs: [get, list, watch]
- apiGroups: [headgate.dev]
  resources: [aimodels/status, governanceapprovals/status]
  verbs: [patch]
# An owner reference with blockOwnerDeletion needs this where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [headgate.dev]
  resources: [aimodels/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps]
  verbs: [get, list, watch, create, patch, delete]
# What a revision was made from: its data never changes, its owner may; never watched.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, create, patch, delete]
{{- if (.Values.revisions).hashSecrets }}
# To notice that a Secret which a model refers to has other content.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
# Jobs that compare answers. They are never changed, and their pods have no rights.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
{{- if not .Values.watchNamespaces }}
# To tell a Gateway that does not exist from one that is slow: a question about all namespaces.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [list]
{{- end }}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "headgate.operatorSubject" -}}
- kind: ServiceAccount
  name: {{ include "headgate.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
