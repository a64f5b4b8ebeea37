{{/* "true" for a service whose number of pods is an autoscaler's: dict "root" $ "component" name. */}}
{{- define "fairlead.isScaled" -}}
{{- $own := index .root.Values.autoscaling .component | default dict -}}
{{- if and (ne .root.Values.autoscaling.mode "none") $own.enabled }}true{{ end -}}
{{- end -}}
