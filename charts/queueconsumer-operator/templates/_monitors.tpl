{{/* What cannot be asked of Prometheus, told in words: the schema could only say that a rule failed. */}}
{{- define "queueconsumer-operator.checkMonitors" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled exclude each other: both would have every pod scraped twice; set one of them to false" -}}
{{- end -}}
{{- if and .Values.consumers.podMonitor.enabled (not .Values.consumers.podMonitor.selector) -}}
{{- fail "consumers.podMonitor.selector must say which pods are consumers, such as {matchLabels: {app.kubernetes.io/part-of: shop}}: without one, every pod that has a port metrics would be scraped" -}}
{{- end -}}
{{- end -}}

{{/*
How the operator is scraped, by a ServiceMonitor or a PodMonitor. `namespace` in the operator's metrics is that of the
QueueConsumer, which the scrape would else rename to exported_namespace.
*/}}
{{- define "queueconsumer-operator.scrape" -}}
- port: metrics
  path: /metrics
  honorLabels: true
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
{{- end -}}
