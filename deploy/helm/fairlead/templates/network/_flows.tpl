{{/* Who calls whom by gRPC. */}}
{{- define "fairlead.calls" -}}
gateway: [profiler, trainer, serving, drift, conductor]
conductor: [profiler, trainer]
trainer: [profiler]
drift: [serving]
profiler: []
{{- if .Values.jobs.enabled }}
serving: [trainer]
trainer-job: [profiler]
serving-job: [trainer, profiler]
profiler-job: []
{{- else }}
# Its pods do the work of tasks themselves.
serving: [trainer, profiler]
{{- end }}
{{- end -}}

{{/* A peer of a policy: dict "root" $ "component" name. */}}
{{- define "fairlead.peer" -}}
podSelector:
  matchLabels:
    {{- include "fairlead.selector" . | nindent 4 }}
{{- end -}}

{{/* The ports by which other services may call one; metrics and the gateway's REST have rules of their own. dict "root" $ "component" name. */}}
{{- define "fairlead.calledPorts" -}}
{{- range $name, $port := omit (include "fairlead.servicePorts" . | fromYaml) "metrics" "http" }}
- {port: {{ $port }}, protocol: TCP}
{{- end }}
{{- end -}}
