"""The stock tritonclient's asynchronous clients over HTTP and gRPC, many requests at a time, and a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import tritonclient.grpc.aio as triton_grpc
import tritonclient.http.aio as triton_http
from asking import GRPC, MODEL, REST, ROWS, bearer, datatype, tell


def inputs(module: Any, **options: Any) -> list[Any]:
    tensors = []
    for name, values in ROWS.items():
        tensor = module.InferInput(name, list(values.shape), datatype(values))
        tensor.set_data_from_numpy(values, **options)
        tensors.append(tensor)
    return tensors


async def asked_at_once(module: Any, client: Any) -> dict[str, Any]:
    """Many answers at a time, each of its own request."""
    results = await asyncio.gather(
        *(client.infer(MODEL, inputs(module), headers=bearer(), request_id=str(number)) for number in range(20))
    )
    return {
        "live": await client.is_server_live(),
        "ready": await client.is_model_ready(MODEL, headers=bearer()),
        "ids": [_id(result.get_response()) for result in results],
        "probabilities": results[-1].as_numpy("predict_proba").tolist(),
        "labels": [label.decode() for label in results[-1].as_numpy("predict")],
    }


def _id(response: Any) -> str:
    return str(response["id"] if isinstance(response, dict) else response.id)


async def by_http() -> dict[str, Any]:
    async with triton_http.InferenceServerClient(REST) as client:
        answers = await asked_at_once(triton_http, client)
        plain = await client.infer(
            MODEL,
            inputs(triton_http, binary_data=False),
            headers=bearer(),
            request_compression_algorithm="gzip",
            response_compression_algorithm="deflate",
        )
        answers["json"] = plain.as_numpy("predict_proba").tolist()
        return answers


async def by_grpc() -> dict[str, Any]:
    async with triton_grpc.InferenceServerClient(GRPC) as client:
        answers = await asked_at_once(triton_grpc, client)

        async def requests() -> AsyncIterator[dict[str, Any]]:
            for number in range(10):
                name = MODEL if number % 3 else "p.none"
                yield {"model_name": name, "inputs": inputs(triton_grpc), "request_id": str(number)}

        answers["stream"] = [
            str(error) if error else result.get_response().id
            async for result, error in client.stream_infer(requests(), headers=bearer())
        ]
        return answers


async def main() -> None:
    tell({"http": await by_http(), "grpc": await by_grpc()})


if __name__ == "__main__":
    asyncio.run(main())
