"""KServe's own clients, InferenceRESTClient and InferenceGRPCClient, from its published package."""

from __future__ import annotations

import asyncio
import sys
import types
from pathlib import Path
from typing import Any

from asking import GRPC, MODEL, REST, ROWS, bearer, datatype, tell

# The package's own first line imports its server, with libraries that can't live beside ours; the clients need none.
_package = types.ModuleType("kserve")
_package.__path__ = [str(Path(folder) / "kserve") for folder in sys.path if (Path(folder) / "kserve").is_dir()]
sys.modules["kserve"] = _package

import httpx  # noqa: E402
from grpc import RpcError  # noqa: E402
from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig  # noqa: E402
from kserve.protocol.infer_type import InferInput, InferRequest, InferResponse, RequestedOutput  # noqa: E402


def request(model: str, *, binary: bool, **options: Any) -> InferRequest:
    inputs = []
    for name, values in ROWS.items():
        tensor = InferInput(name, list(values.shape), datatype(values))
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model_name=model, infer_inputs=inputs, request_id="mine", **options)


def probabilities(response: InferResponse) -> Any:
    (found,) = [output for output in response.outputs if output.name == "predict_proba"]
    return {"id": response.id, "probabilities": found.as_numpy().tolist()}


async def by_rest() -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    base = f"http://{REST}"
    named = [RequestedOutput("predict_proba", {"binary_data": True})]
    answers = {
        "live": await client.is_server_live(base),
        "ready": await client.is_server_ready(base),
        "model_ready": await client.is_model_ready(base, MODEL, headers=bearer()),
    }
    for name, binary, options in (
        ("json", False, {}),
        ("binary", True, {}),
        ("binary_outputs", True, {"parameters": {"binary_data_output": True}}),
        ("named", True, {"request_outputs": named}),
    ):
        asked = request(MODEL, binary=binary, **options)
        answers[name] = probabilities(await client.infer(base, asked, MODEL, headers=bearer()))
    try:
        await client.infer(base, request("p.none", binary=False), "p.none", headers=bearer())
    except httpx.HTTPStatusError as error:
        answers["refused"] = str(error)
    return answers


async def by_grpc() -> dict[str, Any]:
    headers = list(bearer().items())
    async with InferenceGRPCClient(GRPC) as client:
        answers = {
            "live": await client.is_server_live(headers=headers),
            "ready": await client.is_server_ready(headers=headers),
            "model_ready": await client.is_model_ready(MODEL, headers=headers),
        }
        for name, binary in (("json", False), ("binary", True)):
            answers[name] = probabilities(await client.infer(request(MODEL, binary=binary), headers=headers))
        try:
            await client.infer(request("p.none", binary=True), headers=headers)
        except RpcError as error:
            answers["refused"] = str(error)
        return answers


async def main() -> None:
    tell({"http": await by_rest(), "grpc": await by_grpc()})


if __name__ == "__main__":
    asyncio.run(main())
