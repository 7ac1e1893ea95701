{{/* Name, kind and binding of one policy: every one denies, and fails closed. Takes (dict "root" $ "name" "…"); with "params" the policy is
asked once for each of its paramKind in the namespace of the request, and where there is none it denies nothing. */}}
{{- define "headgate.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "headgate.fullname" .root }}-{{ .name }}
  labels: {{- include "headgate.labels" .root | nindent 4 }}
spec:
  policyName: {{ include "headgate.fullname" .root }}-{{ .name }}
  validationActions: [Deny]
{{- if .params }}
  paramRef: {selector: {}, parameterNotFoundAction: Allow}
{{- end }}
{{- end }}

{{- define "headgate.policyHead" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "headgate.fullname" .root }}-{{ .name }}
  labels: {{- include "headgate.labels" .root | nindent 4 }}
{{- end }}

{{/* Kubernetes' own controllers: under their service accounts, or all under one name where the cluster runs them so. */}}
{{- define "headgate.notAController" -}}
- name: not-a-controller
  expression: >-
    !('system:serviceaccounts:kube-system' in request.userInfo.groups)
    && request.userInfo.username != 'system:kube-controller-manager'
{{- end }}

{{- define "headgate.notTheOperator" -}}
- name: not-the-operator
  expression: request.userInfo.username != '{{ include "headgate.operatorUser" . }}'
{{- end }}

{{/* CEL: a pod that runs keeps the images that it was made with. */}}
{{- define "headgate.sameImages" -}}
object.spec.containers.map(c, c.image) == oldObject.spec.containers.map(c, c.image)
&& (has(object.spec.initContainers) ? object.spec.initContainers.map(c, c.image) : [])
== (has(oldObject.spec.initContainers) ? oldObject.spec.initContainers.map(c, c.image) : [])
{{- end }}

{{/* What the operator compares the cluster's policies and bindings with: by kind and name, a digest of each spec as it is installed. */}}
{{- define "headgate.admissionDigests" -}}
{{- $root := . }}
{{- $digests := dict }}
{{- $files := list "approvals" "audit" "freezes" "managed" "models" "pods" "replays" "routes" "trust" }}
{{- range $file := append $files "../monitor/admission" }}
{{- range $text := splitList "\n---\n" (include (printf "%s/admission/%s.yaml" $root.Template.BasePath $file | clean) $root) }}
{{- $object := fromYaml $text }}
{{- if $object.spec }}
{{- $_ := set $digests (printf "%s/%s" $object.kind $object.metadata.name) ($object.spec | toJson | sha256sum) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $digests }}
{{- end }}
