"""Tasks: profiling, preparing, training, batch predictions, and the services that own them."""

from __future__ import annotations

from ..dashboard import NAMESPACE, RATE, Dashboard, Row, grown, panel

_ENDED = f"fairlead_tasks_ended_total{{{NAMESPACE}}}"
_FAILED = f'fairlead_tasks_ended_total{{{NAMESPACE}, state="TASK_STATE_FAILED"}}'
_OWNERS = 'service=~"profiler|trainer|conductor"'
_OF_OWNER = f"* on (job, instance) group_left (service) fairlead_info{{{NAMESPACE}, {_OWNERS}}}"

TRAINING = Dashboard(
    "training",
    "Training",
    "Long work: what is under way, how it ends, how long it takes.",
    (
        Row(
            "Tasks",
            (
                panel(
                    "Under way",
                    "By kind.",
                    "none",
                    (f"sum by (kind) (fairlead_tasks_running{{{NAMESPACE}}})", "{{kind}}"),
                ),
                panel(
                    "Ended in an hour",
                    "By how they stood then.",
                    "none",
                    (f"sum by (kind, state) {grown(_ENDED, '1h')}", "{{kind}} {{state}}"),
                ),
                panel(
                    "Failed, of all in a day",
                    "What failed tells why in its task: fairlead tasks logs.",
                    "percentunit",
                    (
                        f"(sum by (kind) {grown(_FAILED, '1d')} or sum by (kind) {grown(_ENDED, '1d')} * 0)"
                        f" / sum by (kind) {grown(_ENDED, '1d')}",
                        "{{kind}}",
                    ),
                ),
                panel(
                    "Seconds of a task, half and 95 %",
                    "From its last start to its end, since the services began.",
                    "s",
                    *(
                        (
                            f"histogram_quantile({share}, sum by (kind, le) "
                            f"(fairlead_task_seconds_bucket{{{NAMESPACE}}}))",
                            f"{{{{kind}}}} {name}",
                        )
                        for share, name in ((0.5, "half"), (0.95, "95 %"))
                    ),
                    width=24,
                ),
            ),
        ),
        Row(
            "Services",
            (
                panel(
                    "Calls of the trainer, profiler and conductor, 95 %",
                    "Seconds; tasks take longer, and are not calls.",
                    "s",
                    (
                        "histogram_quantile(0.95, sum by (method, le) (rate(fairlead_rpc_seconds_bucket"
                        f'{{{NAMESPACE}, method=~"/fairlead.api.(trainer|profiler|conductor).+"}}[5m])))',
                        "{{method}}",
                    ),
                    width=12,
                ),
                panel(
                    "Memory",
                    "Of the services' own processes; each task's work is another process, or a pod.",
                    "bytes",
                    (f"sum by (service) (process_resident_memory_bytes {_OF_OWNER})", "{{service}}"),
                    width=6,
                ),
                panel(
                    "Processors",
                    "Seconds of processor time a second.",
                    "short",
                    (f"sum by (service) (rate(process_cpu_seconds_total[{RATE}]) {_OF_OWNER})", "{{service}}"),
                    width=6,
                ),
            ),
        ),
    ),
)
