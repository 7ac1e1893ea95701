{{/* The RolloutPolicies and the trust store that values ask for, as a YAML map from file name to object. */}}
{{- define "headgate.installed" -}}
{{- $objects := dict }}
{{- $wanted := .Values.policies | default dict }}
{{- range $value, $file := dict "standard" "standard" "fast" "fast" "lowRisk" "low-risk" "llm" "llm" }}
{{- if index $wanted $value }}
{{- $policy := $.Files.Get (printf "files/policies/%s.yaml" $file) | fromYaml }}
{{- $_ := set $policy.metadata "namespace" (include "headgate.policyNamespace" $) }}
{{- $_ := set $policy.metadata "labels" (include "headgate.labels" $ | fromYaml) }}
{{- $_ := set $policy.spec "metrics" (dict "profile" ($wanted.profile | default "envoy-gateway")) }}
{{- $_ := set $objects (printf "policy-%s.yaml" $file) $policy }}
{{- end }}
{{- end }}
{{- $trust := .Values.trustStore | default dict }}
{{- if $trust.persons }}
{{- $metadata := dict "name" "headgate" "namespace" (include "headgate.policyNamespace" .) "labels" (include "headgate.labels" . | fromYaml) }}
{{- $spec := dict "persons" $trust.persons "delegations" ($trust.delegations | default list) }}
{{- $_ := set $objects "trust-store.yaml" (dict "apiVersion" "headgate.dev/v1alpha1" "kind" "TrustStore" "metadata" $metadata "spec" $spec) }}
{{- else if $trust.delegations }}
{{- fail "trustStore.delegations names persons, but trustStore.persons is empty: list the persons there" }}
{{- end }}
{{- toYaml $objects }}
{{- end }}

{{- define "headgate.installerHook" -}}
helm.sh/hook: post-install,post-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
