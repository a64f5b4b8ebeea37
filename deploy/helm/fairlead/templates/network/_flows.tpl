{{/* Who calls whom by gRPC; what works in a Job calls as its service does. */}}
{{- define "fairlead.calls" -}}
gateway: [profiler, trainer, serving, drift, conductor]
conductor: [profiler, trainer]
trainer: [profiler]
trainer-job: [profiler]
serving: [trainer]
serving-job: [trainer, profiler]
drift: [serving]
profiler: []
profiler-job: []
{{- end -}}

{{/* A peer of a policy: dict "root" $ "component" name. */}}
{{- define "fairlead.peer" -}}
podSelector:
  matchLabels:
    {{- include "fairlead.selector" . | nindent 4 }}
{{- end -}}

{{/* The component whose ports a pod calls: those of serving's doors too. dict "root" $ "component" name. */}}
{{- define "fairlead.calledPorts" -}}
{{- range $name, $port := omit (include "fairlead.servicePorts" . | fromYaml) "metrics" "http" }}
- {port: {{ $port }}, protocol: TCP}
{{- end }}
{{- end -}}
