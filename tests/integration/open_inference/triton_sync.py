"""The stock tritonclient over HTTP and gRPC: what goes beyond asking for predictions."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from asking import GRPC, MODEL, REST, ROWS, bearer, datatype, refusal, tell
from tritonclient.utils import InferenceServerException


def inputs(module: Any, **options: Any) -> list[Any]:
    tensors = []
    for name, values in ROWS.items():
        tensor = module.InferInput(name, list(values.shape), datatype(values))
        tensor.set_data_from_numpy(values, **options)
        tensors.append(tensor)
    return tensors


def common(module: Any, client: Any) -> dict[str, Any]:
    """What both clients can be asked."""

    def infer(**options: Any) -> Any:
        return client.infer(MODEL, inputs(module), headers=bearer(), **options)

    def readiness() -> bool:
        return bool(client.is_model_ready(MODEL, headers=bearer()))

    answers: dict[str, Any] = {"live": client.is_server_live(), "ready": client.is_server_ready()}
    client.load_model(MODEL, headers=bearer())
    answers["loaded"] = readiness()
    client.unload_model(MODEL, headers=bearer())
    answers["unloaded"] = readiness()
    answers["after_unload"] = infer().as_numpy("predict_proba").tolist()
    answers["overridden"] = refusal(
        lambda: client.load_model(MODEL, headers=bearer(), config="{}"), InferenceServerException
    )
    best = module.InferRequestedOutput("predict_proba", class_count=1)
    answers["best"] = [text.decode() for text in infer(outputs=[best]).as_numpy("predict_proba").ravel()]
    explained = infer(parameters={"fairlead_explain": True, "fairlead_interval": 0.8})
    for name in ("contributions", "base_values", "prediction_set"):
        answers[name] = explained.as_numpy(name).tolist()
    answers["scale"] = str(explained.get_output("contributions"))
    answers["mistaken"] = refusal(lambda: infer(parameters={"fairlead_explian": True}), InferenceServerException)
    answers["incomplete"] = refusal(
        lambda: client.infer(MODEL, inputs(module)[:1], headers=bearer()), InferenceServerException
    )
    answers["late"] = refusal(lambda: infer(timeout=1), InferenceServerException)
    answers["in_time"] = infer(timeout=20_000_000).as_numpy("predict").shape
    answers["shared_memory"] = refusal(
        lambda: client.get_system_shared_memory_status(headers=bearer()), InferenceServerException
    )
    answers["log_settings"] = refusal(lambda: client.get_log_settings(headers=bearer()), InferenceServerException)
    answers["trace_settings"] = refusal(lambda: client.get_trace_settings(headers=bearer()), InferenceServerException)
    as_json = {} if module is triton_http else {"as_json": True}
    answers["statistics"] = client.get_inference_statistics(MODEL, "1", headers=bearer(), **as_json)
    answers["all_statistics"] = client.get_inference_statistics(headers=bearer(), **as_json)
    answers["config"] = client.get_model_config(MODEL, headers=bearer(), **as_json)
    answers["index"] = client.get_model_repository_index(headers=bearer(), **as_json)
    return answers


def by_http() -> dict[str, Any]:
    client = triton_http.InferenceServerClient(REST, concurrency=4)
    answers = common(triton_http, client)
    asked = [client.async_infer(MODEL, inputs(triton_http, binary_data=False), headers=bearer()) for _ in range(8)]
    answers["async"] = [each.get_result().as_numpy("predict").shape for each in asked]
    halves = triton_http.InferInput("age", [3], "FP16")
    halves.set_data_from_numpy(ROWS["age"].astype(np.float16))
    result = client.infer(MODEL, [halves, *inputs(triton_http)[1:]], headers=bearer())
    answers["halves"] = result.as_numpy("predict_proba").tolist()
    return answers


def by_grpc() -> dict[str, Any]:
    client = triton_grpc.InferenceServerClient(GRPC)
    answers = common(triton_grpc, client)
    found: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.start_stream(lambda result, error: found.put((result, error)), headers=bearer())
    for number in range(5):
        client.async_stream_infer(MODEL if number != 2 else "p.none", inputs(triton_grpc), request_id=str(number))
    heard = [found.get(timeout=30) for _ in range(5)]
    client.stop_stream()
    answers["stream"] = [str(error) if error else result.get_response().id for result, error in heard]
    later: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.async_infer(
        MODEL,
        inputs(triton_grpc),
        lambda result, error: later.put((result, error)),
        headers=bearer(),
    )
    result, error = later.get(timeout=30)
    answers["async"] = [str(error) if error else result.as_numpy("predict").shape]
    return answers


if __name__ == "__main__":
    tell({"http": by_http(), "grpc": by_grpc()})
