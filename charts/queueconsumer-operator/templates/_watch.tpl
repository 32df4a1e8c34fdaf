{{/*
What is wrong with `watch`, told in words: the schema could only say that a rule failed. The grammar of a selector is
that of `kubectl get --selector`; the operator would find a mistake as well, but only after it was rolled out.
*/}}
{{- define "queueconsumer-operator.checkWatch" -}}
{{- $selector := .Values.watch.namespaceSelector -}}
{{- if and .Values.watch.namespaces $selector -}}
{{- fail "watch.namespaces and watch.namespaceSelector exclude each other: name the namespaces, or choose them by their labels; set the other one to [] or \"\"" -}}
{{- end -}}
{{- $word := `[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?` -}}
{{- $key := printf `([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?%s` $word -}}
{{- $value := printf `(%s)?` $word -}}
{{- $rest := printf `\s*(=|==|!=)\s*%s|\s+(in|notin)\s*\(\s*%s(\s*,\s*%s)*\s*\)|\s*[<>]\s*[0-9]+` $value $value $value -}}
{{- $term := printf `\s*(!\s*%s|%s(%s)?)\s*` $key $key $rest -}}
{{- if and $selector (not (regexMatch (printf `^%s(,%s)*$` $term $term) $selector)) -}}
{{- fail (printf "watch.namespaceSelector must be a label selector as kubectl takes it, such as team=shop or team in (shop, bank) (is %q)" $selector) -}}
{{- end -}}
{{- $trial := .Values.test.namespace -}}
{{- if and $trial .Values.watch.namespaces (not (has $trial .Values.watch.namespaces)) -}}
{{- fail (printf "test.namespace must be one of watch.namespaces, %s (is %q): nothing is scaled in others, so helm test would wait in vain" (join ", " .Values.watch.namespaces) $trial) -}}
{{- end -}}
{{- end -}}
