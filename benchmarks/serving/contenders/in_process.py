"""1,000 rows by ONNX Runtime in this process, on the server's core, the arrays made beforehand."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime

from ..figures import IN_PROCESS, Figures
from ..server import pinned
from ..setting import Measured, Setting


def measure(setting: Setting) -> Measured:
    """Rows a second, told as requests of 1,000 rows a second."""
    scenario = setting.scenario
    feeds = {}
    for column in scenario.inputs:
        values = [row[column.name] for row in scenario.rows]
        dtype = object if column.kind == "text" else np.float64
        feeds[scenario.tensors[column.name]] = np.array(values, dtype=dtype).reshape(-1, 1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with pinned(setting.cores.server):
        session = onnxruntime.InferenceSession(str(scenario.graph), options, providers=["CPUExecutionProvider"])
        session.run(None, feeds)
        times = []
        until = time.perf_counter() + setting.load.seconds
        while (began := time.perf_counter()) < until:
            session.run(None, feeds)
            times.append((time.perf_counter() - began) * 1000)
    p50, p99 = np.percentile(times, (50, 99))
    yield IN_PROCESS, Figures(len(times) / (sum(times) / 1000), float(p50), float(p99))
