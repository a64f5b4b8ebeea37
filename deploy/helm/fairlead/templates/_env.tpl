{{/* Environment variables of the services' containers. */}}

{{/* The same for every service: the data of a ConfigMap. */}}
{{- define "fairlead.commonEnv" -}}
{{- $root := . -}}
{{- $name := include "fairlead.fullname" . -}}
FAIRLEAD_HOST: 0.0.0.0
FAIRLEAD_HOME: /var/lib/fairlead
FAIRLEAD_LOG_LEVEL: {{ .Values.logLevel }}
FAIRLEAD_LOG_FORMAT: json
FAIRLEAD_PROBES: "true"
FAIRLEAD_CONNECTION_AGE_SECONDS: "60"
FAIRLEAD_DATABASE_CONNECTIONS: {{ .Values.database.connections | int64 | quote }}
FAIRLEAD_EVENTS_URL: {{ include "fairlead.eventsUrl" . }}
FAIRLEAD_KAFKA_SECURITY_PROTOCOL: {{ include "fairlead.kafkaProtocol" . }}
FAIRLEAD_KAFKA_SASL_MECHANISM: {{ .Values.kafka.saslMechanism }}
FAIRLEAD_KAFKA_REPLICATION_FACTOR: {{ include "fairlead.devKafka" . | empty | ternary .Values.kafka.replicationFactor 1 | quote }}
{{- if (include "fairlead.kafkaCa" . | fromYaml).name }}
FAIRLEAD_KAFKA_CA_FILE: /etc/fairlead/kafka/ca.crt
{{- end }}
FAIRLEAD_BLOBS_URL: {{ include "fairlead.blobsUrl" . }}
FAIRLEAD_BLOB_CACHE_MB: {{ .Values.s3.cacheMb | int64 | quote }}
FAIRLEAD_S3_ENDPOINT_URL: {{ include "fairlead.s3Endpoint" . | quote }}
FAIRLEAD_S3_PUBLIC_ENDPOINT_URL: {{ .Values.s3.publicEndpoint | quote }}
FAIRLEAD_S3_REGION: {{ .Values.s3.region | quote }}
FAIRLEAD_S3_SERVER_SIDE_ENCRYPTION: {{ .Values.s3.serverSideEncryption | quote }}
FAIRLEAD_S3_KMS_KEY_ID: {{ .Values.s3.kmsKeyId | quote }}
{{- range $service, $port := include "fairlead.ports" . | fromYaml }}
FAIRLEAD_{{ upper $service }}_ADDRESS: dns:///{{ $name }}-{{ $service }}-headless:{{ $port }}
{{- end }}
FAIRLEAD_GATEWAY_SERVING_ENDPOINTS: dns:///{{ $name }}-serving-headless:7404
FAIRLEAD_GATEWAY_INFERENCE_ADDRESS: dns:///{{ $name }}-serving-headless:7482
{{- if .Values.tls.enabled }}
FAIRLEAD_TLS_CERTIFICATE_FILE: /etc/fairlead/tls/tls.crt
FAIRLEAD_TLS_KEY_FILE: /etc/fairlead/tls/tls.key
FAIRLEAD_TLS_CA_FILE: /etc/fairlead/tls/ca.crt
{{- end }}
{{- with .Values.tracing.otlpEndpoint }}
FAIRLEAD_OTLP_ENDPOINT: {{ . }}
FAIRLEAD_TRACE_RATIO: {{ $root.Values.tracing.ratio | quote }}
{{- end }}
{{- end -}}

{{/* The Secrets of a service: a list for `env`. */}}
{{- define "fairlead.secretEnv" -}}
{{- $auth := include "fairlead.authSecret" . -}}
- {name: FAIRLEAD_ADMIN_TOKEN_SHA256, valueFrom: {secretKeyRef: {name: {{ $auth }}, key: admin-token-sha256}}}
- {name: FAIRLEAD_METRICS_TOKEN, valueFrom: {secretKeyRef: {name: {{ $auth }}, key: metrics-token}}}
{{ include "fairlead.workerEnv" . }}
{{- end -}}

{{/* Those of what calls services and is called by nobody, as in Jobs. */}}
{{- define "fairlead.workerEnv" -}}
{{- $auth := include "fairlead.authSecret" . -}}
{{- $database := include "fairlead.databaseSecret" . | fromYaml -}}
- {name: FAIRLEAD_SERVICE_TOKEN, valueFrom: {secretKeyRef: {name: {{ $auth }}, key: service-token}}}
# While the secret is changed there are two: docs/adr/0026.
- {name: FAIRLEAD_SERVICE_TOKEN_OTHER, valueFrom: {secretKeyRef: {name: {{ $auth }}, key: service-token-other, optional: true}}}
- {name: FAIRLEAD_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $database.name }}, key: {{ $database.key }}}}}
{{- include "fairlead.kafkaEnv" . }}
{{- with include "fairlead.s3Secret" . }}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ . }}, key: access-key-id}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ . }}, key: secret-access-key}}}
{{- end }}
{{- end -}}

{{- define "fairlead.kafkaEnv" -}}
{{- with include "fairlead.kafkaSecret" . }}
{{- if and $.Values.strimzi.enabled (not $.Values.kafka.existingSecret) }}
- {name: FAIRLEAD_KAFKA_USERNAME, value: {{ . }}}
{{- else }}
- {name: FAIRLEAD_KAFKA_USERNAME, valueFrom: {secretKeyRef: {name: {{ . }}, key: username}}}
{{- end }}
- {name: FAIRLEAD_KAFKA_PASSWORD, valueFrom: {secretKeyRef: {name: {{ . }}, key: password}}}
{{- end }}
{{- end -}}

{{/* The values' own variables, as a list for `env`. */}}
{{- define "fairlead.ownEnv" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ include "fairlead.text" $value | quote }}}
{{- end }}
{{- end -}}

{{/* A value as text. Helm has every number of a file as a float, of which a million would be 1e+06. */}}
{{- define "fairlead.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}
