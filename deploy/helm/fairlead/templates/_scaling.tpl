{{/* "true" for a service whose number of pods is an autoscaler's: dict "root" $ "component" name. */}}
{{- define "fairlead.isScaled" -}}
{{- $scaling := .root.Values.autoscaling -}}
{{- if and (ne $scaling.mode "none") (hasKey $scaling .component) }}true{{ end -}}
{{- end -}}
