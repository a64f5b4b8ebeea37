"""What the simulation takes for granted, and where each figure is from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any


def _from(value: float, source: str) -> Any:
    return field(default=value, metadata={"source": source})


@dataclass(frozen=True)
class Assumptions:
    """Figures of the pods, the models and the cluster."""

    compute_seconds: float = _from(
        0.0075, "measured: of a core, a request of 1,000 rows to 200 trees (docs/reference/speed.md); one row: 0.00005"
    )
    compute_variation: float = _from(0.5, "assumed: standard deviation by mean, log-normal")
    cores: float = _from(1.0, "assumed: a pod has no CPU limit, its node has room, and Python hardly uses more")
    turns: int = _from(4, "FAIRLEAD_SERVING_TURNS, the least that 0 stands for")
    waiting_requests: int = _from(512, "FAIRLEAD_SERVING_WAITING_REQUESTS")
    queue_seconds: float = _from(5.0, "FAIRLEAD_SERVING_QUEUE_SECONDS")
    deadline_seconds: float = _from(30.0, "FAIRLEAD_GATEWAY_TIMEOUT_SECONDS; who is refused does not come again")
    models_mib: float = _from(1024.0, "FAIRLEAD_SERVING_MODELS_MB")
    models: int = _from(1000, "assumed: a deployment each")
    model_mib: float = _from(1.0, "measured: python -m benchmarks.many_models (200 trees)")
    load_seconds: float = _from(0.02, "measured: the same, a first prediction of one that was not loaded")
    zipf_exponent: float = _from(1.0, "assumed, as in benchmarks.many_models: the first model gets 13 % of all")
    gateways: int = _from(2, "assumed: each counts its own calls only, as the real ones do")
    start_seconds: float = _from(6.0, "assumed: until a pod whose image is there is ready, at least")
    start_seconds_most: float = _from(10.0, "the same, at most; a node that must be added first takes minutes")
    follow_seconds: float = _from(1.0, "services/gateway: how often endpoints are looked up")
    dns_seconds: float = _from(5.0, "assumed: until the name of the headless service tells of a pod, at most")
    scrape_seconds: float = _from(15.0, "assumed: Prometheus' interval")
    cpu_seconds: float = _from(15.0, "metrics-server's default resolution")

    def but(self, **others: float) -> Assumptions:
        """Return the same with other figures."""
        return replace(self, **others)  # type: ignore[arg-type]

    def told(self) -> str:
        """Return a line a figure."""
        return "\n".join(
            f"  {each.name:<20} {getattr(self, each.name):>8g}  {each.metadata['source']}" for each in fields(self)
        )
