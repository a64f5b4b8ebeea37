"""Floor: a bare gRPC server with the ONNX graph and the protocol's messages.

Usage: grpc_onnx.py PORT GRAPH SAMPLE sync|aio. No token, no checks, no log, no metrics.
"""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime

from fairlead.api.inference.v2 import open_inference_pb2 as pb

port, graph, sample_path, kind = sys.argv[1:]
sample = json.loads(Path(sample_path).read_text("utf-8"))
classes, tensors = [label.encode() for label in sample["classes"]], sample["tensors"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
run = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run
OUTPUTS = ["probabilities"]
SERVICE = "inference.GRPCInferenceService"
THREADS = 8


def texts(raw: bytes) -> Any:
    found, position = [], 0
    while position < len(raw):
        size = int.from_bytes(raw[position : position + 4], "little")
        found.append(raw[position + 4 : position + 4 + size].decode())
        position += 4 + size
    return np.array(found, dtype=object).reshape(-1, 1)


def infer(request: pb.ModelInferRequest) -> pb.ModelInferResponse:
    feeds = {
        tensors[tensor.name]: texts(raw) if tensor.datatype == "BYTES" else np.frombuffer(raw).reshape(-1, 1)
        for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
    }
    probabilities = run(OUTPUTS, feeds)[0]
    labels = [classes[best] for best in probabilities.argmax(1)]
    answer = pb.ModelInferResponse(model_name=request.model_name, id=request.id)
    answer.outputs.add(name="predict", datatype="BYTES", shape=[len(labels)])
    answer.outputs.add(name="predict_proba", datatype="FP64", shape=probabilities.shape)
    answer.raw_output_contents.append(b"".join(len(label).to_bytes(4, "little") + label for label in labels))
    answer.raw_output_contents.append(probabilities.tobytes())
    return answer


def handlers(unary: Any, stream: Any) -> grpc.GenericRpcHandler:
    read, write = pb.ModelInferRequest.FromString, pb.ModelInferResponse.SerializeToString
    write_streamed = pb.ModelStreamInferResponse.SerializeToString
    methods = {
        "ModelInfer": grpc.unary_unary_rpc_method_handler(unary, read, write),
        "ModelStreamInfer": grpc.stream_stream_rpc_method_handler(stream, read, write_streamed),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def serve_sync() -> None:
    def unary(request: pb.ModelInferRequest, _context: Any) -> pb.ModelInferResponse:
        return infer(request)

    def stream(requests: Any, _context: Any) -> Any:
        for request in requests:
            yield pb.ModelStreamInferResponse(infer_response=infer(request))

    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((handlers(unary, stream),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


async def serve_aio() -> None:
    async def unary(request: pb.ModelInferRequest, _context: Any) -> pb.ModelInferResponse:
        return infer(request)

    async def stream(requests: Any, context: Any) -> None:
        async for request in requests:
            await context.write(pb.ModelStreamInferResponse(infer_response=infer(request)))

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers(unary, stream),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if kind == "sync":
    serve_sync()
else:
    asyncio.run(serve_aio())
