{{/* Where state is: the values' back ends, an operator's, or those for trying out. */}}

{{- define "fairlead.devPostgres" -}}{{ and .Values.dev.enabled .Values.dev.postgres.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devKafka" -}}{{ and .Values.dev.enabled .Values.dev.kafka.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devS3" -}}{{ and .Values.dev.enabled .Values.dev.s3.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devSecret" -}}{{ include "fairlead.fullname" . }}-dev{{- end -}}

{{/* The Secret and the key that hold the database's URL, as YAML. */}}
{{- define "fairlead.databaseSecret" -}}
{{- if .Values.database.existingSecret }}
name: {{ .Values.database.existingSecret }}
key: {{ .Values.database.existingSecretKey }}
{{- else if .Values.cnpg.enabled }}
name: {{ include "fairlead.fullname" . }}-postgres-app
key: uri
{{- else if include "fairlead.devPostgres" . }}
name: {{ include "fairlead.devSecret" . }}
key: database-url
{{- else if .Values.database.url }}
name: {{ include "fairlead.fullname" . }}-backends
key: database-url
{{- else }}
{{- fail "No database: set database.existingSecret (or database.url), or cnpg.enabled, or, for trying out, dev.enabled." }}
{{- end }}
{{- end -}}

{{- define "fairlead.eventsUrl" -}}
{{- if include "fairlead.devKafka" . -}}
kafka://{{ include "fairlead.fullname" . }}-dev-kafka:9092
{{- else if .Values.kafka.bootstrapServers -}}
kafka://{{ .Values.kafka.bootstrapServers }}
{{- else -}}
{{- fail "No Kafka: set kafka.bootstrapServers, or, for trying out, dev.enabled." }}
{{- end -}}
{{- end -}}

{{- define "fairlead.s3Endpoint" -}}
{{- if include "fairlead.devS3" . -}}
http://{{ include "fairlead.fullname" . }}-dev-s3:7070
{{- else -}}
{{- .Values.s3.endpoint -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.blobsUrl" -}}
{{- if not .Values.s3.bucket }}{{ fail "No bucket: set s3.bucket." }}{{ end -}}
s3://{{ .Values.s3.bucket }}{{ with .Values.s3.prefix }}/{{ trimAll "/" . }}{{ end }}
{{- end -}}

{{/* The Secret that holds the keys of S3; empty where pods have a role of their own. */}}
{{- define "fairlead.s3Secret" -}}
{{- if .Values.s3.existingSecret -}}
{{ .Values.s3.existingSecret }}
{{- else if include "fairlead.devS3" . -}}
{{ include "fairlead.devSecret" . }}
{{- end -}}
{{- end -}}

{{/* The Secret with Kafka's `username` and `password`; empty where none is asked for. */}}
{{- define "fairlead.kafkaSecret" -}}
{{- if not (include "fairlead.devKafka" .) -}}
{{ .Values.kafka.existingSecret }}
{{- end -}}
{{- end -}}

{{/* A Secret's value as it is stored, or a new one: dict "root" $ "secret" name "key" key. */}}
{{- define "fairlead.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- with get ($found.data | default dict) .key -}}
{{ b64dec . }}
{{- else -}}
{{ randAlphaNum 40 }}
{{- end -}}
{{- end -}}

{{/* The Secret with the services' tokens. */}}
{{- define "fairlead.authSecret" -}}
{{ .Values.auth.existingSecret | default (printf "%s-auth" (include "fairlead.fullname" .)) }}
{{- end -}}
