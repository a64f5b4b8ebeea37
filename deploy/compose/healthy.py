"""Whether the service behind this port takes work: `python healthy.py PORT` ends with 0 where it does."""

from __future__ import annotations

import sys

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    answer = HealthStub(channel).Check(HealthCheckRequest(service="fairlead.ready"), timeout=5)
sys.exit(answer.status != HealthCheckResponse.SERVING)
