{{/* A server for trying out, whose values are `own`: dict "root" $ "component" name "own" values "port" number "data" path. */}}
{{- define "fairlead.devObjects" -}}
{{- $name := printf "%s-%s" (include "fairlead.fullname" .root) .component -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels:
    {{- include "fairlead.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "fairlead.selector" . | nindent 4 }}
  ports:
    - {name: {{ .portName }}, port: {{ .port }}, targetPort: {{ .portName }}}
---
# For trying out, not for production: one pod, and no copy of its data.
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels:
    {{- include "fairlead.labels" . | nindent 4 }}
spec:
  serviceName: {{ $name }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "fairlead.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "fairlead.labels" . | nindent 8 }}
        {{- with .root.Values.common.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .root.Values.common.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "fairlead.podSecurity" .own.uid | nindent 8 }}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets: {{- range . }}
        - name: {{ . }}{{ end }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ .own.image }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          securityContext:
            {{- include "fairlead.containerSecurity" . | nindent 12 }}
          {{- with .own.command | default .command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .own.args | default .args }}
          args: {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
            {{- .env | nindent 12 }}
            {{- include "fairlead.ownEnv" .own.env | nindent 12 }}
          ports:
            - {name: {{ .portName }}, containerPort: {{ .port }}}
          readinessProbe:
            {{- .ready | nindent 12 }}
            periodSeconds: 2
            timeoutSeconds: 5
          resources:
            {{- toYaml .own.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: {{ .data }}}
            - {name: tmp, mountPath: /tmp}
            - {name: tmp, mountPath: /var/run/postgresql, subPath: postgresql}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if not .root.Values.dev.persistence.enabled }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- if .root.Values.dev.persistence.enabled }}
  volumeClaimTemplates:
    - metadata:
        name: data
        labels:
          {{- include "fairlead.selector" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.dev.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: {storage: {{ .own.size }}}
  {{- end }}
{{- end -}}
