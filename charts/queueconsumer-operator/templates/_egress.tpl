{{/*
A rule of a NetworkPolicy's egress: `rule` has ports and to. Without `to` the rule is for every address, which is more
than 0.0.0.0/0 means to some networks: Cilium does not find pods, nor the API server, by their addresses. Without ports
there is no rule.
*/}}
{{- define "queueconsumer-operator.egress" -}}
{{- $protocols := .protocols -}}
{{- with .rule -}}
{{- if .ports -}}
- ports:
    {{- range $port := .ports }}
    {{- range $protocols }}
    - {port: {{ int $port }}, protocol: {{ . }}}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
