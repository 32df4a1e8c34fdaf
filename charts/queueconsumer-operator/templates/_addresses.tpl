{{/*
In files/, https://runbooks.example.com and https://grafana.example.com stand for addresses that only who installs the
chart can know. A link to one that the values do not tell would lead nowhere, so it is left out; of a runbook the alert
then says in which file it is.
*/}}

{{/* A rule with the addresses of the values: `rule` and `values`, those of prometheusRule. */}}
{{- define "queueconsumer-operator.rule" -}}
{{- $rule := .rule -}}
{{- $addresses := dict "runbook_url" (list "https://runbooks.example.com" .values.runbookUrl) "dashboard_url" (list "https://grafana.example.com" .values.grafanaUrl) -}}
{{- range $annotation, $address := $addresses -}}
{{- $url := dig "annotations" $annotation "" $rule -}}
{{- if and $url (index $address 1) -}}
{{- $_ := set $rule.annotations $annotation (replace (index $address 0) (index $address 1 | trimSuffix "/") $url) -}}
{{- else if $url -}}
{{- $_ := unset $rule.annotations $annotation -}}
{{- end -}}
{{- end -}}
{{- if and $rule.alert (not .values.runbookUrl) -}}
{{- $found := printf " What to do is told in docs/runbooks/%s.md of QueueConsumer. Next: " $rule.alert -}}
{{- $_ := set $rule.annotations "description" (replace " Next: " $found $rule.annotations.description) -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}

{{/* A dashboard, as JSON: `text` as in files/, and `url` of the runbooks, which may be empty. */}}
{{- define "queueconsumer-operator.dashboard" -}}
{{- if .url -}}
{{- replace "https://runbooks.example.com" (trimSuffix "/" .url) .text | trim -}}
{{- else -}}
{{- $board := fromJson .text -}}
{{- $_ := set $board "links" (include "queueconsumer-operator.known" $board.links | fromJsonArray) -}}
{{- range $panel := $board.panels -}}
{{- range dig "fieldConfig" "overrides" list $panel -}}
{{- range .properties -}}
{{- if eq .id "links" -}}
{{- $_ := set . "value" (include "queueconsumer-operator.known" .value | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toPrettyJson $board -}}
{{- end -}}
{{- end -}}

{{/* Those of a list of links that do not lead to the runbooks, as JSON. */}}
{{- define "queueconsumer-operator.known" -}}
{{- $known := list -}}
{{- range . -}}
{{- if not (hasPrefix "https://runbooks.example.com" (default "" .url)) -}}
{{- $known = append $known . -}}
{{- end -}}
{{- end -}}
{{- toJson $known -}}
{{- end -}}
