"""Load from the other core: wrk for HTTP, ghz for gRPC. Python would measure itself."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.data import ROOT

from .figures import Figures
from .server import cpu_seconds, memory_mb, pinned
from .tools import ghz, wrk

CONNECTIONS = 32
PROTO = "fairlead/api/inference/v2/open_inference.proto"
INFER = "inference.GRPCInferenceService.ModelInfer"
STREAM_INFER = "inference.GRPCInferenceService.ModelStreamInfer"
WARM_UP_SECONDS = 1.0

_SCRIPT = """
wrk.method = "POST"
wrk.body = io.open("{body}", "rb"):read("*a")
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{{"requests":%d,"us":%d,"p50":%d,"p99":%d,"bad":%d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """How long each measurement takes, from which core, with the tools of which cache."""

    seconds: float
    core: int
    cache: Path
    connections: int = CONNECTIONS

    def http(self, pid: int, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Figures:
        """Return what wrk finds of the server that is the process. Ends the benchmark where a request fails."""
        given = {"content-type": "application/json", **(headers or {})}
        with tempfile.TemporaryDirectory() as name:
            file, script = Path(name) / "body", Path(name) / "post.lua"
            file.write_bytes(body)
            lines = "\n".join(f'wrk.headers["{key}"] = "{value}"' for key, value in given.items())
            script.write_text(_SCRIPT.format(body=file, headers=lines))
            self._wrk(script, url, min(WARM_UP_SECONDS, self.seconds))
            spent = cpu_seconds(pid)
            found = self._wrk(script, url, self.seconds)
            spent = cpu_seconds(pid) - spent
        count = found["requests"]
        if found["bad"]:
            raise SystemExit(f"{found['bad']} of {count} requests to {url} failed")
        rate = count / found["us"] * 1e6
        return Figures(rate, found["p50"] / 1e3, found["p99"] / 1e3, spent / count * 1e6, memory_mb(pid))

    def _wrk(self, script: Path, url: str, seconds: float) -> dict[str, Any]:
        duration = f"{max(1, round(seconds))}s"
        command = [wrk(), "-t1", f"-c{self.connections}", f"-d{duration}", "--timeout", "30s", "-s", str(script), url]
        with pinned(self.core):
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return dict(json.loads(output[output.rindex("{") :]))

    def grpc(self, pid: int, address: str, body: bytes, authorization: str = "") -> Figures:
        """Return what ghz finds of ModelInfer. Ends the benchmark where a call fails."""
        many = ["-c", str(self.connections), "--connections", str(self.connections)]
        self._ghz(address, body, authorization, [*many, "-z", f"{min(WARM_UP_SECONDS, self.seconds)}s"])
        spent = cpu_seconds(pid)
        found = self._ghz(address, body, authorization, [*many, "-z", f"{self.seconds}s"])
        spent = cpu_seconds(pid) - spent
        times = {each["percentage"]: each["latency"] / 1e6 for each in found["latencyDistribution"]}
        return Figures(found["rps"], times[50], times[99], spent / found["count"] * 1e6, memory_mb(pid))

    def stream(self, pid: int, address: str, body: bytes, authorization: str = "") -> Figures:
        """Return messages a second on one stream of ModelStreamInfer: as many as unary calls would send.

        ghz tells a whole stream's time, so there are no latencies of messages.
        """
        one = ["-c", "1", "--connections", "1", "-n", "1", "--stream-call-count"]
        few = 200
        began = self._ghz(address, body, authorization, [*one, str(few)], STREAM_INFER)
        for _ in range(3):
            # Longer until the stream takes about as long as was asked for.
            took = began["average"] / 1e9
            many = max(few, int(few / took * self.seconds))
            spent = cpu_seconds(pid)
            began = self._ghz(address, body, authorization, [*one, str(many)], STREAM_INFER)
            spent = cpu_seconds(pid) - spent
            if began["average"] / 1e9 > 0.7 * self.seconds:
                break
            few = many
        rate = many / (began["average"] / 1e9)
        return Figures(rate, cpu=spent / many * 1e6, memory=memory_mb(pid), note="messages of one stream")

    def _ghz(
        self, address: str, body: bytes, authorization: str, options: list[str], call: str = INFER
    ) -> dict[str, Any]:
        metadata = ["-m", json.dumps({"authorization": authorization})] if authorization else []
        with tempfile.TemporaryDirectory() as name, pinned(self.core):
            file = Path(name) / "body"
            file.write_bytes(body)
            command = [ghz(self.cache), "--insecure", "--proto", PROTO, "--import-paths", str(ROOT / "protos")]
            command += ["--call", call, "-B", str(file), *metadata, *options]
            command += ["--duration-stop", "wait", "--timeout", "120s", "-O", "json", address]
            output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT / "protos").stdout
        found = dict(json.loads(output))
        if failed := {code: count for code, count in found["statusCodeDistribution"].items() if code != "OK"}:
            raise SystemExit(f"calls of {address} failed: {failed} {found.get('errorDistribution')}")
        return found
