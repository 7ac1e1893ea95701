{{/* What all pods of the chart share: the restricted Pod Security Standard, the same image, the same nodes. */}}

{{- define "headgate.podSecurity" -}}
runAsNonRoot: true
{{- with (.Values.security).runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "headgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "headgate.podPlace" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every process of Headgate is told. */}}
{{- define "headgate.env" -}}
# Samples are read in threads. By default each gets a heap of its own, keeps what was once freed there, and memory creeps up.
- name: MALLOC_ARENA_MAX
  value: "2"
- name: MALLOC_TRIM_THRESHOLD_
  value: "131072"
- name: HEADGATE_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: HEADGATE_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: HEADGATE_POLICY_NAMESPACE
  value: {{ include "headgate.policyNamespace" . }}
- name: HEADGATE_WATCH_NAMESPACES
  value: {{ join "," .Values.watchNamespaces | quote }}
- name: HEADGATE_ENVIRONMENT
  value: {{ required "set environment: it names what this cluster is, like production or staging; approvals are bound to it" .Values.environment | quote }}
- name: HEADGATE_PROMETHEUS_URL
  value: {{ .Values.prometheus.url | quote }}
- name: HEADGATE_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- if (.Values.notifications).enabled }}
- name: HEADGATE_NOTIFICATIONS
  value: "true"
- name: HEADGATE_NOTIFICATION_SECRETS
  value: {{ join "," .Values.notifications.secrets | quote }}
- name: HEADGATE_DASHBOARD_URL
  value: {{ .Values.notifications.dashboardUrl | default "" | quote }}
{{- end }}
{{- end }}

{{- define "headgate.ports" -}}
- {name: metrics, containerPort: 8080, protocol: TCP}
- {name: health, containerPort: 8081, protocol: TCP}
{{- end }}

{{- define "headgate.probes" -}}
# The first full list of a large cluster may take a while; until then nothing is decided and nothing restarted.
startupProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 5
  timeoutSeconds: 3
{{- end }}

{{/* Takes (dict "root" $ "selector" "…"). */}}
{{- define "headgate.spread" -}}
{{- with .root.Values.topologySpreadConstraints }}
{{- toYaml . }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- $.selector | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "headgate.podMeta" -}}
labels:
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- .labels | nindent 2 }}
annotations:
  kubectl.kubernetes.io/default-container: {{ .container }}
  {{- if eq (include "headgate.scrape" .root) "Annotations" }}
  prometheus.io/scrape: "true"
  prometheus.io/port: "8080"
  prometheus.io/path: /metrics
  {{- end }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* A pod that runs one command of headgate.chart and ends. Takes (dict "root" $ "name" "…" "arguments" (list …)), and with "mount"
     the name of a ConfigMap, which appears at /objects. */}}
{{- define "headgate.commandPod" -}}
restartPolicy: Never
serviceAccountName: {{ include "headgate.fullname" .root }}-{{ .name }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext: {{- include "headgate.podSecurity" .root | nindent 2 }}
containers:
- name: {{ .name }}
  image: {{ include "headgate.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [python3, -m, headgate.chart]
  args: {{ .arguments | toJson }}
  resources:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {memory: 256Mi}
  securityContext: {{- include "headgate.containerSecurity" .root | nindent 4 }}
  volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .mount }}
  - {name: objects, mountPath: /objects, readOnly: true}
  {{- end }}
volumes:
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if .mount }}
- name: objects
  configMap: {name: {{ .mount }}}
{{- end }}
{{- with include "headgate.podPlace" .root | trim }}
{{ . }}
{{- end }}
{{- end }}
