{{/* The pod of a service: dict "root" $ "component" name. */}}
{{- define "fairlead.pod" -}}
{{- $root := .root -}}
{{- $name := include "fairlead.fullname" $root -}}
{{- $own := include "fairlead.service" . | fromYaml -}}
metadata:
  labels:
    {{- include "fairlead.labels" . | nindent 4 }}
    {{- with $own.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    {{- include "fairlead.checksums" $root | nindent 4 }}
    {{- if include "fairlead.makesJobs" . }}
    checksum/job: {{ include "fairlead.jobPod" . | sha256sum }}
    {{- end }}
    {{- with $own.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ $name }}-{{ .component }}
  automountServiceAccountToken: {{ include "fairlead.makesJobs" . | empty | not }}
  # Variables such as FAIRLEAD_GATEWAY_PORT, which Kubernetes makes of Services, would be taken for settings.
  enableServiceLinks: false
  # The pause before, calls under way, and what is written at the end.
  terminationGracePeriodSeconds: {{ add $own.preStopSeconds $own.drainSeconds 25 }}
  securityContext:
    {{- include "fairlead.podSecurity" $root.Values.runAsUser | nindent 4 }}
  {{- include "fairlead.placement" (dict "own" $own "root" $root "component" .component) | nindent 2 }}
  {{- if $root.Values.dev.enabled }}
  initContainers:
    - {{- include "fairlead.wait" . | nindent 6 }}
  {{- end }}
  containers:
    - {{- include "fairlead.container" (dict "root" $root "component" .component "own" $own) | nindent 6 }}
  volumes:
    {{- include "fairlead.volumes" (dict "root" $root "component" .component "own" $own "home" $own.home) | nindent 4 }}
    {{- if include "fairlead.makesJobs" . }}
    - name: job
      configMap:
        name: {{ $name }}-{{ .component }}-job
    {{- end }}
{{- end -}}

{{/* Annotations with which pods are replaced when their settings change. */}}
{{- define "fairlead.checksums" -}}
checksum/config: {{ include (print .Template.BasePath "/configmap.yaml") . | sha256sum }}
# Of the values, since the generated tokens in the Secret are not known before it is made.
checksum/secrets: {{ list .Values.auth .Values.database .Values.kafka .Values.s3 | toJson | sha256sum }}
{{- end -}}

{{/* "true" for a service whose long work is done by Jobs. */}}
{{- define "fairlead.makesJobs" -}}
{{- if and .root.Values.jobs.enabled (hasKey (include "fairlead.jobServices" .root | fromYaml) .component) }}true{{ end -}}
{{- end -}}

{{/* Where pods may run: dict "own" the service's values "root" $ "component" name. */}}
{{- define "fairlead.placement" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}{{ end }}
{{- end }}
{{- with .own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .own.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: {{ $.own.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "fairlead.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}

{{/* The container of a service: dict "root" $ "component" name "own" its values. */}}
{{- define "fairlead.container" -}}
{{- $root := .root -}}
{{- $port := index (include "fairlead.ports" $root | fromYaml) .component -}}
{{- $probe := add $port 200 -}}
name: {{ .component }}
image: {{ include "fairlead.image" . }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  {{- include "fairlead.containerSecurity" . | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ include "fairlead.fullname" $root }}-env
env:
  # Empty: its own server listens on every address of the pod.
  - {name: FAIRLEAD_{{ upper .component }}_ADDRESS, value: ""}
  - {name: FAIRLEAD_DRAIN_SECONDS, value: {{ .own.drainSeconds | quote }}}
  {{- if hasKey .own.env "FAIRLEAD_DRAIN_SECONDS" }}
  {{- fail "FAIRLEAD_DRAIN_SECONDS is drainSeconds among the values, with which Kubernetes waits for as long." }}
  {{- end }}
  {{- include "fairlead.secretEnv" $root | nindent 2 }}
  {{- if include "fairlead.makesJobs" . }}
  - {name: FAIRLEAD_RUNNER, value: kubernetes}
  - {name: FAIRLEAD_JOB_TEMPLATE_FILE, value: /etc/fairlead/job/job.yaml}
  - {name: FAIRLEAD_JOB_OWNER, value: {{ include "fairlead.fullname" $root }}-{{ .component }}-job}
  - {name: FAIRLEAD_JOB_DEADLINE_SECONDS, value: {{ $root.Values.jobs.deadlineSeconds | int | quote }}}
  - {name: FAIRLEAD_JOB_START_SECONDS, value: {{ $root.Values.jobs.startSeconds | int | quote }}}
  - {name: FAIRLEAD_JOB_TTL_SECONDS, value: {{ $root.Values.jobs.ttlSeconds | int | quote }}}
  {{- end }}
  {{- include "fairlead.ownEnv" .own.env | nindent 2 }}
ports:
  {{- include "fairlead.containerPorts" . | nindent 2 }}
# Started: migrated and listening. Ready: its back ends were reached, and it is not draining. Alive: the process answers.
startupProbe:
  grpc: {port: {{ $probe }}, service: fairlead.started}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: {{ div .own.startupSeconds 2 }}
readinessProbe:
  grpc: {port: {{ $probe }}, service: fairlead.ready}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
livenessProbe:
  grpc: {port: {{ $probe }}}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
lifecycle:
  # Endpoints forget the pod meanwhile; only then is it told to end.
  preStop:
    sleep: {seconds: {{ .own.preStopSeconds }}}
resources:
  {{- toYaml .own.resources | nindent 2 }}
volumeMounts:
  {{- include "fairlead.volumeMounts" . | nindent 2 }}
  {{- if include "fairlead.makesJobs" . }}
  - {name: job, mountPath: /etc/fairlead/job, readOnly: true}
  {{- end }}
{{- end -}}

{{/* A service's ports as name: number, as they are called in containers and in Services. */}}
{{- define "fairlead.servicePorts" -}}
{{- $port := index (include "fairlead.ports" .root | fromYaml) .component | int -}}
{{- if eq .component "gateway" }}
http: 7400
{{- end }}
grpc: {{ $port }}
metrics: {{ add $port 100 }}
{{- if eq .component "serving" }}
http-bento: 7480
http-oip: 7481
grpc-oip: 7482
{{- end }}
{{- end -}}

{{- define "fairlead.containerPorts" -}}
{{- range $name, $port := include "fairlead.servicePorts" . | fromYaml }}
- {name: {{ $name }}, containerPort: {{ $port }}}
{{- end }}
{{- end -}}

{{/* Volumes of services and their Jobs: dict "root" $ "component" name "own" the service's values "home" {sizeLimit}. */}}
{{- define "fairlead.volumes" -}}
- name: home
  emptyDir: {sizeLimit: {{ .home.sizeLimit }}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- $ca := include "fairlead.kafkaCa" .root | fromYaml }}
{{- if $ca.name }}
- name: kafka-ca
  secret:
    secretName: {{ $ca.name }}
    items: [{key: {{ $ca.key }}, path: ca.crt}]
{{- end }}
{{- if .root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "fairlead.tlsSecret" . }}
{{- end }}
{{- with .own.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* dict "root" $ "own" the service's values. */}}
{{- define "fairlead.volumeMounts" -}}
- {name: home, mountPath: /var/lib/fairlead}
- {name: tmp, mountPath: /tmp}
{{- if (include "fairlead.kafkaCa" .root | fromYaml).name }}
- {name: kafka-ca, mountPath: /etc/fairlead/kafka, readOnly: true}
{{- end }}
{{- if .root.Values.tls.enabled }}
- {name: tls, mountPath: /etc/fairlead/tls, readOnly: true}
{{- end }}
{{- with .own.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The Secret with a service's certificate. */}}
{{- define "fairlead.tlsSecret" -}}
{{ .root.Values.tls.existingSecret | default (printf "%s-%s-tls" (include "fairlead.fullname" .root) .component) }}
{{- end -}}

{{/* Waits for the back ends for trying out, which start at the same time: dict "root" $ "component" name. */}}
{{- define "fairlead.wait" -}}
{{- $dev := printf "%s-dev" (include "fairlead.fullname" .root) -}}
name: wait
image: {{ include "fairlead.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "fairlead.containerSecurity" . | nindent 2 }}
command:
  - python
  - -c
  - |
    import socket, sys, time
    for place in sys.argv[1:]:
        host, port = place.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), 2).close()
                break
            except OSError as error:
                print(f"waiting for {place}: {error}", flush=True)
                time.sleep(1)
  {{- if include "fairlead.devPostgres" .root }}
  - {{ $dev }}-postgres:5432
  {{- end }}
  {{- if include "fairlead.devKafka" .root }}
  - {{ $dev }}-kafka:9092
  {{- end }}
  {{- if include "fairlead.devS3" .root }}
  - {{ $dev }}-s3:7070
  {{- end }}
resources:
  requests: {cpu: 10m, memory: 32Mi}
  limits: {memory: 64Mi}
{{- end -}}
