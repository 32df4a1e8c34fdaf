{{/*
All that the operator may do with QueueConsumers and what they name. It reads the Secrets that they name, one by one,
and cannot list any. Pods are found by the labels that a target's scale tells; to patch them is for their deletion
costs, and can be left out.
*/}}
{{- define "queueconsumer-operator.rules" -}}
- apiGroups: [queueconsumer.dev]
  resources: [queueconsumers]
  verbs: [get, list, watch, patch]
- apiGroups: [queueconsumer.dev]
  resources: [queueconsumers/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [apps]
  resources: [deployments, statefulsets, replicasets]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale, replicasets/scale]
  verbs: [get, patch]
{{- range .Values.rbac.scaleTargets }}
- apiGroups: [{{ .apiGroup | quote }}]
  resources: [{{ .resource }}]
  verbs: [list, watch]
- apiGroups: [{{ .apiGroup | quote }}]
  resources: [{{ printf "%s/scale" .resource }}]
  verbs: [get, patch]
{{- end }}
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list{{ if .Values.rbac.podDeletionCosts }}, patch{{ end }}]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/*
The names of all Leases that the release may ever have: `NAME`, and `NAME-1-of-2` and so on for each number of shards
that the schema of the values allows. Those of other numbers than `shards` are among them because Helm replaces a Role
before it ends a pod: pods of the old number must still be able to give their Leases back, and those of the new one
clear what a killed pod has left behind. So this Role is the same whatever `shards` is.
*/}}
{{- define "queueconsumer-operator.leases" -}}
{{- $name := include "queueconsumer-operator.fullname" . -}}
- {{ $name }}
{{- range $shards := untilStep 2 17 1 }}
{{- range $index := untilStep 1 (add1 $shards | int) 1 }}
- {{ printf "%s-%d-of-%d" $name $index $shards }}
{{- end }}
{{- end }}
{{- end -}}
