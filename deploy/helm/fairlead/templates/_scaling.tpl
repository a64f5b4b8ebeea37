{{/* "true" for a service whose number of pods is an autoscaler's: dict "root" $ "component" name. */}}
{{- define "fairlead.isScaled" -}}
{{- $own := index .root.Values.autoscaling .component | default dict -}}
{{- if and (ne .root.Values.autoscaling.mode "none") $own.enabled -}}
{{- if gt (int64 $own.minReplicas) (int64 $own.maxReplicas) }}{{ fail (printf "autoscaling.%s: minReplicas is above maxReplicas" .component) }}{{ end -}}
true
{{- end -}}
{{- end -}}
