{{/* What is wrong with `page`, told in words: the schema could only say that a `not` failed. */}}
{{- define "queueconsumer-operator.checkPage" -}}
{{- if and .Values.page.enabled (eq (int .Values.page.port) 8080) -}}
{{- fail "page.port: 8080 is the port of the metrics and the probes; give the live page another one, such as 8081" -}}
{{- end -}}
{{- end -}}
