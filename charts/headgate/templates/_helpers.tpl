{{- define "headgate.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What the operator's pods are found by. The selector of a Deployment never changes: so neither do these. */}}
{{- define "headgate.selectorLabels" -}}
app.kubernetes.io/name: headgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "headgate.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "headgate.labels" -}}
{{ include "headgate.selectorLabels" . }}
{{ include "headgate.releaseLabels" . }}
{{- end }}

{{/* What pods beside the operator's are found by. Takes (dict "root" $ "name" "…"). */}}
{{- define "headgate.besideSelector" -}}
app.kubernetes.io/name: headgate-{{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "headgate.besideLabels" -}}
{{ include "headgate.besideSelector" . }}
{{ include "headgate.releaseLabels" .root }}
{{- end }}

{{- define "headgate.serviceAccountName" -}}
{{ (.Values.serviceAccount).name | default (include "headgate.fullname" .) }}
{{- end }}

{{- define "headgate.policyNamespace" -}}
{{ .Values.policyNamespace | default .Release.Namespace }}
{{- end }}

{{/* The operator as the API server names it. */}}
{{- define "headgate.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "headgate.serviceAccountName" . }}
{{- end }}

{{/* The monitor as the API server names it; empty where there is none. */}}
{{- define "headgate.monitorUser" -}}
{{- if (.Values.monitor).enabled }}system:serviceaccount:{{ .Release.Namespace }}:{{ include "headgate.fullname" . }}-monitor{{ end }}
{{- end }}

{{- define "headgate.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Roles where namespaces are named, ClusterRoles else. */}}
{{- define "headgate.roleKind" -}}
{{- if .Values.watchNamespaces }}Role{{ else }}ClusterRole{{ end }}
{{- end }}

{{/* Whether anything of the release reads what belongs to no namespace; empty if not. */}}
{{- define "headgate.readsCluster" -}}
{{- if or .Values.admission.enabled (not .Values.watchNamespaces) }}true{{ end }}
{{- end }}

{{/* How metrics are found. podMonitor and metrics.scrapeAnnotations are what release 0.1.0 called it. */}}
{{- define "headgate.scrape" -}}
{{- if (.Values.metrics).scrape }}{{ .Values.metrics.scrape }}
{{- else if (.Values.podMonitor).enabled }}PodMonitor
{{- else if eq (toString (.Values.metrics).scrapeAnnotations) "false" }}None
{{- else }}Annotations
{{- end }}
{{- end }}

{{/* Interval and labels of what scrapes, as YAML; of release 0.1.0 where metrics.scrape says nothing. */}}
{{- define "headgate.scrapeSaid" -}}
{{- $metrics := .Values.metrics | default dict }}
{{- toYaml (ternary $metrics (.Values.podMonitor | default $metrics) (not (empty $metrics.scrape))) }}
{{- end }}
