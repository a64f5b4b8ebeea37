"""Fairlead's serving beside MLflow, MLServer, BentoML and KServe, and beside what bare servers can do at best.

One after another, each with the same model and the same row, 32 connections, the server on one core and the load on
the other. Fairlead checks tokens and requests, counts, and logs predictions as it does in use. The graph behind the
bare servers is Fairlead's own. Peers run in environments of their own, made once by uv below --cache; wrk and ghz are
installed where they are absent and can be.

Usage: python -m benchmarks.serving [--seconds 10] [--only REST,MLServer] [--cache FOLDER] [--rounds 1]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .contenders import bentoml, fairlead, gateway, grpc_floors, http_floors, in_process, kserve, mlflow, mlserver
from .figures import Figures, header, line, ratios
from .load import Load
from .scenario import build
from .server import two_cores
from .setting import Measured, Setting

CACHE = Path(os.environ.get("FAIRLEAD_BENCHMARKS_CACHE") or Path.home() / ".cache" / "fairlead-benchmarks")
CONTENDERS: dict[str, Callable[[Setting], Measured]] = {
    "empty": http_floors.empty,
    "floor": http_floors.same_request,
    "floor-plain": http_floors.plain_row,
    "floor-skl2onnx": http_floors.exported,
    "rest": fairlead.rest,
    "mlserver": mlserver.measure,
    "mlflow": mlflow.measure,
    "bentoml": bentoml.measure,
    "kserve": kserve.measure,
    "grpc-sync": grpc_floors.synchronous,
    "grpc-aio": grpc_floors.aio,
    "grpc": fairlead.unary,
    "grpc-stream": grpc_floors.stream,
    "stream": fairlead.stream,
    "gateway": gateway.measure,
    "in-process": in_process.measure,
    "batch": fairlead.batch,
}


def main() -> None:
    """Print the figures; exit 1 where a required ratio fails."""
    options = _options()
    cores = two_cores()
    measured: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        scratch = Path(name)
        scenario = build(options.cache / "scenario")
        load = Load(options.seconds, cores.load, options.cache)
        print(f"server on core {cores.server}, load on core {cores.load}, {options.seconds:g} s each")
        print(header(), flush=True)
        for number in range(options.rounds):
            for contender in options.only:
                folder = scratch / f"{contender}-{number}"
                folder.mkdir()
                for who, figures in CONTENDERS[contender](Setting(scenario, cores, load, options.cache, folder)):
                    # Of several rounds each has its best: what disturbs a machine only ever slows it down.
                    if who not in measured or figures.rate > measured[who].rate:
                        measured[who] = figures
                    print(line(who, figures), flush=True)
                time.sleep(options.pause)
    lines, good = ratios(measured)
    print("\n" + "\n".join(lines))
    raise SystemExit(0 if good else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each is measured (default 10)")
    parser.add_argument("--rounds", type=int, default=1, help="how often; each is told at its best (default 1)")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two of them (default 0.5)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where environments and tools are kept")
    parser.add_argument("--only", type=_names, default=list(CONTENDERS), help=f"of {', '.join(CONTENDERS)}")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in CONTENDERS]:
        raise argparse.ArgumentTypeError(f"no {unknown[0]} here; there are {', '.join(CONTENDERS)}")
    return names


if __name__ == "__main__":
    main()
