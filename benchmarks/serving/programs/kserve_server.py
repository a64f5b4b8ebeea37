"""Peer: KServe's Python server with the pipeline. Usage: kserve_server.py --http_port PORT PIPELINE"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import kserve
from kserve import InferOutput, InferRequest, InferResponse, ModelServer
from kserve.utils.utils import generate_uuid


class Income(kserve.Model):  # type: ignore[misc]
    def __init__(self, path: str) -> None:
        super().__init__("income")
        self.pipeline = pickle.loads(Path(path).read_bytes())
        self.ready = True

    def predict(self, payload: InferRequest, headers: Any = None, response_headers: Any = None) -> InferResponse:  # noqa: ARG002
        frame = payload.as_dataframe()
        output = InferOutput("predict_proba", [len(frame), 2], "FP64")
        output.set_data_from_numpy(self.pipeline.predict_proba(frame), binary_data=False)
        return InferResponse(generate_uuid(), "income", [output])


pipeline = sys.argv.pop()
ModelServer(workers=1, enable_grpc=False).start([Income(pipeline)])
