{{/* Names, labels and images; every template takes them from here. */}}

{{/* Stands before every object's name. */}}
{{- define "fairlead.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The services, and the port of each by gRPC; all other ports follow from it. */}}
{{- define "fairlead.ports" -}}
gateway: 7401
profiler: 7402
trainer: 7403
serving: 7404
drift: 7405
conductor: 7406
{{- end -}}

{{/* The services whose long work is done by Jobs. */}}
{{- define "fairlead.jobServices" -}}
profiler: true
trainer: true
serving: true
{{- end -}}

{{/* What never changes of an object, so that upgrades find it: dict "root" $ "component" name. */}}
{{- define "fairlead.selector" -}}
app.kubernetes.io/name: fairlead
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels: dict "root" $ "component" name. */}}
{{- define "fairlead.labels" -}}
{{ include "fairlead.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fairlead
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* The image of a service or of the client: dict "root" $ "component" name. A digest wins over the tag. */}}
{{- define "fairlead.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := printf "fairlead-%s" .component -}}
{{- if $image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" $image.registry) $name }}{{ end -}}
{{- with index $image.digests .component -}}
{{ $name }}@{{ . }}
{{- else -}}
{{ $name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* What holds for a service: the common values under its own. dict "root" $ "component" name. */}}
{{- define "fairlead.service" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.common) (deepCopy (index .root.Values .component)) | toYaml -}}
{{- end -}}

{{/* Pod Security "restricted", of a pod and of a container. A pod's user is a number, or nothing: then the cluster says who. */}}
{{- define "fairlead.podSecurity" -}}
runAsNonRoot: true
{{- with . }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "fairlead.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
