"""Settings of the gateway."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from fairlead.kit.settings import KitSettings

INFERENCE_PORT_OFFSET = 82


class GatewaySettings(KitSettings):
    """What the gateway has beyond the kit's."""

    service: ClassVar[str] = "gateway"

    gateway_serving_endpoints: str = Field(
        "",
        description="Where predictions go: host:port,host:port or dns:///host:port for every process behind a name; "
        "each deployment's go to the same few. Empty means serving's own address.",
    )
    gateway_inference_address: str = Field(
        "", description="host:port of the Open Inference Protocol by gRPC; empty means serving's host, base port + 82."
    )
    gateway_connections: int = Field(
        8192, ge=1, description="HTTP connections that are open at a time; further ones are refused."
    )
    gateway_upload_limit_bytes: int = Field(
        20 * 1024**3, gt=0, description="The largest upload that is taken; a larger one is refused with 413."
    )
    gateway_body_limit_bytes: int = Field(
        64 * 1024**2, gt=0, description="The largest JSON body that is taken; a larger one is refused with 413."
    )
    gateway_timeout_seconds: float = Field(
        30.0, gt=0, description="How long a call of another service may take, where the caller sets no time."
    )
    gateway_timeout_limit_seconds: float = Field(
        600.0, gt=0, description="The longest time that a caller may ask for with X-Request-Timeout."
    )
    gateway_heartbeat_seconds: float = Field(
        15.0, gt=0, description="Silence after which a task stream sends a sign of life."
    )
    gateway_task_history_days: float = Field(
        30.0, gt=0, description="How long the log lines and events of ended tasks are kept."
    )

    @property
    def serving_endpoints(self) -> str:
        """Return where serving's processes listen, as endpoints_of() reads it."""
        return self.gateway_serving_endpoints or self.serving_address

    @property
    def inference_address(self) -> str:
        """Return host:port of serving's Open Inference Protocol by gRPC."""
        if self.gateway_inference_address:
            return self.gateway_inference_address
        host = self.serving_address.rpartition(":")[0]
        return f"{host}:{self.base_port + INFERENCE_PORT_OFFSET}"
