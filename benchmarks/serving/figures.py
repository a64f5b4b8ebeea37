"""Figures of a run, the table that shows them, and the ratios that are required of Fairlead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What one server did: requests (or messages) a second, latencies in ms, resident memory in MB.

    cpu: its CPU time a request in microseconds, which other programs on the machine disturb least.
    """

    rate: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    memory: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Requirement:
    """A ratio of two rates; where several others are named, the best of them is the measure.

    of_its_core: ours is what its core could do in a second, where another one, which serves and sends the load too, is
    what held it up.
    """

    text: str
    ours: str
    others: tuple[str, ...]
    at_least: float
    of_its_core: bool = False


# Names of contenders; the table shows them.
EMPTY = "uvicorn, empty answer"
FLOOR = "uvicorn + ONNX, same request"
FLOOR_PLAIN = "uvicorn + ONNX, plain JSON row"
FLOOR_EXPORTED = "uvicorn + ONNX, skl2onnx's graph"
GRPC_SYNC = "grpc (8 threads) + ONNX"
GRPC_AIO = "grpc.aio + ONNX"
GRPC_STREAM = "grpc.aio stream + ONNX"
MLFLOW, MLSERVER, MLSERVER_GRPC = "MLflow 3.17.2", "MLServer 1.7.1", "MLServer 1.7.1, gRPC"
BENTOML, KSERVE = "BentoML 1.4", "KServe 0.21"
REST, GRPC, STREAM = "Fairlead REST", "Fairlead gRPC", "Fairlead gRPC stream"
GATEWAY, GATEWAY_ROWS = "Fairlead gateway, /v2 infer", "Fairlead gateway, :predict"
IN_PROCESS, BATCH = "ONNX in process, 1,000 rows", "Fairlead REST, 1,000 rows"
BATCH_BINARY, BATCH_GRPC = "Fairlead REST, 1,000 rows, binary", "Fairlead gRPC, 1,000 rows"

REQUIRED = (
    Requirement("REST beside MLServer", REST, (MLSERVER,), 50.0),
    Requirement("REST beside the raw ASGI floor", REST, (FLOOR, FLOOR_PLAIN), 0.80),
    Requirement("gRPC beside MLServer's", GRPC, (MLSERVER_GRPC,), 25.0),
    Requirement("gRPC beside the better bare server", GRPC, (GRPC_SYNC, GRPC_AIO), 0.80),
    Requirement("a stream beyond unary calls", STREAM, (GRPC,), 1.0),
    Requirement("the gateway's core beside direct REST's", GATEWAY, (REST,), 0.40, of_its_core=True),
    Requirement("the same, rows of the API", GATEWAY_ROWS, (REST,), 0.40, of_its_core=True),
    Requirement("1,000 rows (JSON) beside ONNX in process", BATCH, (IN_PROCESS,), 0.70),
)
TOLD = (
    Requirement("REST beside MLflow", REST, (MLFLOW,), 0.0),
    Requirement("REST beside BentoML", REST, (BENTOML,), 0.0),
    Requirement("REST beside KServe", REST, (KSERVE,), 0.0),
    Requirement("through the gateway beside direct REST", GATEWAY, (REST,), 0.0),
    Requirement("through the gateway beside the raw ASGI floor", GATEWAY, (FLOOR,), 0.0),
    Requirement("REST beside an empty uvicorn", REST, (EMPTY,), 0.0),
    Requirement("a stream beside a bare aio stream", STREAM, (GRPC_STREAM,), 0.0),
    Requirement("1,000 rows (binary) beside ONNX in process", BATCH_BINARY, (IN_PROCESS,), 0.0),
    Requirement("1,000 rows (gRPC) beside ONNX in process", BATCH_GRPC, (IN_PROCESS,), 0.0),
)


def header() -> str:
    """The table's first line."""
    names = " ".join(f"{name:>8}" for name in ("p50 ms", "p99 ms", "CPU us"))
    return f"{'one row, 14 columns, 200 trees':<36} {'a second':>9} {names} {'RSS MB':>7}"


def line(name: str, figures: Figures) -> str:
    """One line of the table."""
    shown = ((figures.p50, "8.2f"), (figures.p99, "8.2f"), (figures.cpu, "8,.0f"), (figures.memory, "7.0f"))
    cells = [format("" if value is None else value, form[0] if value is None else form) for value, form in shown]
    return f"{name:<36} {figures.rate:9,.0f} {' '.join(cells)}  {figures.note}".rstrip()


def ratios(measured: Mapping[str, Figures]) -> tuple[list[str], bool]:
    """Return a line for each ratio whose both sides were measured, and whether all required ones hold."""
    lines, good = [], True
    for requirement in (*REQUIRED, *TOLD):
        ratio = _ratio(requirement, measured)
        if ratio is None:
            continue
        verdict = ""
        if requirement.at_least:
            holds = ratio >= requirement.at_least
            good &= holds
            verdict = f">= {requirement.at_least:g} {'pass' if holds else 'FAIL'}"
        lines.append(f"{requirement.text:<44} {ratio:8.2f}x  {verdict}".rstrip())
    return lines, good


def _ratio(requirement: Requirement, measured: Mapping[str, Figures]) -> float | None:
    others: Sequence[float] = [measured[name].rate for name in requirement.others if name in measured]
    if requirement.ours not in measured or not others:
        return None
    ours = measured[requirement.ours]
    rate = 1e6 / ours.cpu if requirement.of_its_core and ours.cpu else ours.rate
    return rate / max(others)
