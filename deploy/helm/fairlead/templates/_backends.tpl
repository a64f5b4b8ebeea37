{{/* Where state is: the values' back ends, an operator's, or those for trying out. */}}

{{- define "fairlead.devPostgres" -}}{{ and .Values.dev.enabled .Values.dev.postgres.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devKafka" -}}{{ and .Values.dev.enabled .Values.dev.kafka.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devS3" -}}{{ and .Values.dev.enabled .Values.dev.s3.enabled | ternary "true" "" }}{{- end -}}
{{- define "fairlead.devSecret" -}}{{ include "fairlead.fullname" . }}-dev{{- end -}}

{{/* The Secret and the key that hold the database's URL, as YAML. */}}
{{- define "fairlead.databaseSecret" -}}
{{- $given := list .Values.database.existingSecret .Values.cnpg.enabled (include "fairlead.devPostgres" .) .Values.database.url }}
{{- if gt (len (compact $given)) 1 }}
{{- fail "Two databases: keep one of database.existingSecret, database.url, cnpg.enabled and, with dev.enabled, dev.postgres.enabled." }}
{{- else if .Values.database.existingSecret }}
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

{{/* With the namespace in their names, as KEDA looks for them from a namespace of its own. */}}
{{- define "fairlead.eventsUrl" -}}
{{- if and (include "fairlead.devKafka" .) (or .Values.kafka.bootstrapServers .Values.strimzi.enabled) -}}
{{- fail "Two Kafkas: with kafka.bootstrapServers or strimzi.enabled, dev.kafka.enabled must be off." }}
{{- else if include "fairlead.devKafka" . -}}
kafka://{{ include "fairlead.fullname" . }}-dev-kafka.{{ .Release.Namespace }}.svc:9092
{{- else if .Values.kafka.bootstrapServers -}}
kafka://{{ .Values.kafka.bootstrapServers }}
{{- else if .Values.strimzi.enabled -}}
kafka://{{ .Values.strimzi.cluster }}-kafka-bootstrap.{{ .Release.Namespace }}.svc:9093
{{- else -}}
{{- fail "No Kafka: set kafka.bootstrapServers, or, for trying out, dev.enabled." }}
{{- end -}}
{{- end -}}

{{- define "fairlead.s3Endpoint" -}}
{{- if and (include "fairlead.devS3" .) (or .Values.s3.endpoint .Values.s3.existingSecret) -}}
{{- fail "Two S3 servers: with s3.endpoint or s3.existingSecret, dev.s3.enabled must be off." }}
{{- else if include "fairlead.devS3" . -}}
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
{{- if include "fairlead.devS3" . -}}
{{ include "fairlead.devSecret" . }}
{{- else -}}
{{ .Values.s3.existingSecret }}
{{- end -}}
{{- end -}}

{{- define "fairlead.kafkaProtocol" -}}
{{- if include "fairlead.devKafka" . -}}
PLAINTEXT
{{- else if .Values.strimzi.enabled -}}
SASL_SSL
{{- else -}}
{{ .Values.kafka.securityProtocol }}
{{- end -}}
{{- end -}}

{{/* The Secret with Kafka's `password`, and `username` where it is not the operator's; empty where none is asked for. */}}
{{- define "fairlead.kafkaSecret" -}}
{{- if hasPrefix "SASL" (include "fairlead.kafkaProtocol" .) -}}
{{- if and .Values.strimzi.enabled (not .Values.kafka.existingSecret) -}}
{{ include "fairlead.fullname" . }}
{{- else -}}
{{ required "kafka.existingSecret: a Secret with the keys `username` and `password`" .Values.kafka.existingSecret }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret and the key with the certificates of the brokers, as YAML; no name where the system's will do. */}}
{{- define "fairlead.kafkaCa" -}}
{{- if hasSuffix "SSL" (include "fairlead.kafkaProtocol" .) -}}
{{- $operator := .Values.strimzi.enabled | ternary (printf "%s-cluster-ca-cert" .Values.strimzi.cluster) "" -}}
name: {{ .Values.kafka.caSecret.name | default $operator | quote }}
key: {{ .Values.kafka.caSecret.key }}
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

{{/* The Secret with the admin's token for `helm test`; empty where there is no test. */}}
{{- define "fairlead.testSecret" -}}
{{- if .Values.tests.enabled -}}
{{ .Values.tests.tokenSecret | default (.Values.auth.existingSecret | empty | ternary (printf "%s-admin" (include "fairlead.fullname" .)) "") }}
{{- end -}}
{{- end -}}

{{/* The Secret with the services' tokens. */}}
{{- define "fairlead.authSecret" -}}
{{ .Values.auth.existingSecret | default (printf "%s-auth" (include "fairlead.fullname" .)) }}
{{- end -}}
