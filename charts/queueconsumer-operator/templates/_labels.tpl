{{/*
Labels of the chart's own that the values give a second time, told in words: a key that is twice in an object is no
YAML, and the schema could only call it a `false schema`.
*/}}
{{- define "queueconsumer-operator.checkLabels" -}}
{{- $own := list "helm.sh/chart" "queueconsumer.dev/shard" -}}
{{- range list "name" "instance" "version" "component" "part-of" "managed-by" -}}
{{- $own = append $own (printf "app.kubernetes.io/%s" .) -}}
{{- end -}}
{{- $given := dict "podLabels" .Values.podLabels "consumers.podMonitor.labels" .Values.consumers.podMonitor.labels -}}
{{- range $part := list "serviceMonitor" "podMonitor" "prometheusRule" "dashboards" -}}
{{- $_ := set $given (printf "%s.labels" $part) (index $.Values $part "labels") -}}
{{- end -}}
{{- range $value, $labels := $given -}}
{{- range $label, $_ := $labels -}}
{{- if has $label $own -}}
{{- fail (printf "%s: the chart itself sets the label %s, and no object can have it twice; leave it out" $value $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
