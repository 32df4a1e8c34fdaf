{{- define "queueconsumer-operator.testName" -}}
{{- include "queueconsumer-operator.fullname" . | trunc 58 | trimSuffix "-" }}-test
{{- end -}}

{{/*
Where `helm test` has what the operator scales: it must be a namespace that is served. The pod of the test is in that of
the release, for `helm test --logs` looks for it nowhere else.
*/}}
{{- define "queueconsumer-operator.testNamespace" -}}
{{- default (default .Release.Namespace (first .Values.watch.namespaces)) .Values.test.namespace -}}
{{- end -}}

{{/*
What all objects of `helm test` have: names and labels of their own, which no selector of the operator's finds, and
hooks, by which Helm makes them for the test and deletes them after it. A pod that has failed stays for its log, until
the next test. Component `test` is the pod with what belongs to it, and `test-target` what it has scaled.
*/}}
{{- define "queueconsumer-operator.testMetadata" -}}
name: {{ include "queueconsumer-operator.testName" .root }}{{ default "" .suffix }}
{{- if eq .component "test" }}
namespace: {{ .root.Release.Namespace | quote }}
{{- else }}
namespace: {{ include "queueconsumer-operator.testNamespace" .root | quote }}
{{- end }}
labels:
  app.kubernetes.io/name: {{ include "queueconsumer-operator.testName" .root }}
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  app.kubernetes.io/component: {{ .component }}
  app.kubernetes.io/part-of: queueconsumer
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- define "queueconsumer-operator.testPodSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "queueconsumer-operator.testContainer" -}}
image: {{ include "queueconsumer-operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  requests:
    cpu: 10m
    memory: 32Mi
    ephemeral-storage: 1Mi
  limits:
    memory: 64Mi
{{- end -}}
