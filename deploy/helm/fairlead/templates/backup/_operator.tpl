{{/* The pods of those who run Fairlead: one that waits for `kubectl exec`, and those that make backups. */}}

{{/* "true" where there are such pods. One that waits is there with backups, too: until a pod uses their volume, most clusters
make none, and `helm --wait` would wait for it. */}}
{{- define "fairlead.hasOperator" -}}
{{- or .Values.operator.enabled .Values.backup.enabled | ternary "true" "" -}}
{{- end -}}

{{- define "fairlead.backupsClaim" -}}
{{ .Values.backup.volume.existingClaim | default (printf "%s-backups" (include "fairlead.fullname" .)) }}
{{- end -}}

{{/* The pod: dict "root" $ "component" name "command" list "resources" {} "restartPolicy" word. */}}
{{- define "fairlead.operatorPod" -}}
{{- $root := .root -}}
{{- $backup := $root.Values.backup -}}
{{- $operator := dict "root" $root "component" "operator" -}}
{{- $own := include "fairlead.service" $operator | fromYaml -}}
{{- $labels := include "fairlead.labels" . | fromYaml -}}
{{- $_ := set $own "topologySpread" dict -}}
{{- if and $backup.enabled (eq $backup.volume.accessMode "ReadWriteOnce") -}}
{{- /* Such a volume is on one node at a time: whoever uses it goes where the other is. */ -}}
{{- $labels = set $labels "fairlead/backups" "true" -}}
{{- $beside := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (pick $labels "app.kubernetes.io/instance" "fairlead/backups")) -}}
{{- $required := append (dig "podAffinity" "requiredDuringSchedulingIgnoredDuringExecution" list $own.affinity) $beside -}}
{{- $_ := set $own "affinity" (mustMergeOverwrite (deepCopy $own.affinity) (dict "podAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" $required))) -}}
{{- end -}}
metadata:
  labels:
    {{- toYaml $labels | nindent 4 }}
    {{- with $own.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    {{- include "fairlead.checksums" $root | nindent 4 }}
    {{- with $own.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  serviceAccountName: {{ include "fairlead.fullname" $root }}-operator
  automountServiceAccountToken: false
  enableServiceLinks: false
  # A backup or a restore that is cut off begins again in any case.
  terminationGracePeriodSeconds: 5
  securityContext:
    {{- include "fairlead.podSecurity" $root.Values.runAsUser | nindent 4 }}
  {{- include "fairlead.placement" (dict "own" $own "root" $root "component" .component) | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "fairlead.image" $operator }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: {{- toYaml .command | nindent 8 }}
      securityContext:
        {{- include "fairlead.containerSecurity" . | nindent 8 }}
      envFrom:
        - configMapRef:
            name: {{ include "fairlead.fullname" $root }}-env
      env:
        {{- include "fairlead.secretEnv" $root | nindent 8 }}
        {{- include "fairlead.operatorEnv" (dict "root" $root "own" $own) | nindent 8 }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        {{- include "fairlead.volumeMounts" (dict "root" $root "own" $own) | nindent 8 }}
        {{- if $backup.enabled }}
        - {name: backups, mountPath: /backups}
        {{- end }}
        {{- if eq .component "backup" }}
        - {name: script, mountPath: /etc/fairlead/backup, readOnly: true}
        {{- end }}
  volumes:
    {{- include "fairlead.volumes" (dict "root" $root "component" "operator" "own" $own "home" $own.home) | nindent 4 }}
    {{- if $backup.enabled }}
    - name: backups
      persistentVolumeClaim:
        claimName: {{ include "fairlead.backupsClaim" $root }}
    {{- end }}
    {{- if eq .component "backup" }}
    - name: script
      configMap:
        name: {{ include "fairlead.fullname" $root }}-backup
    {{- end }}
{{- end -}}

{{/* Variables from the values: what all have, and what a service has under its own name, as where MLflow's tables are. */}}
{{- define "fairlead.operatorEnv" -}}
{{- $env := dict -}}
{{- range $service, $_ := include "fairlead.ports" .root | fromYaml -}}
{{- range $name, $value := (index $.root.Values $service).env -}}
{{- if hasPrefix (printf "FAIRLEAD_%s_" (upper $service)) $name -}}
{{- $_ := set $env $name $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "fairlead.ownEnv" (mustMergeOverwrite $env .own.env) -}}
{{- end -}}
