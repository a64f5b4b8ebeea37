"""MLServer's own client code from its published package: its codecs, types, converters and gRPC stubs."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import grpc
import httpx
import pandas as pd
from asking import GRPC, MODEL, REST, ROWS, bearer, tell

# The packages' own first lines import the server, with libraries that can't live beside ours; the clients need none.
for _name, _folder in (("mlserver", "mlserver"), ("mlserver.grpc", "mlserver/grpc")):
    _package = types.ModuleType(_name)
    _package.__path__ = [str(Path(folder) / _folder) for folder in sys.path if (Path(folder) / _folder).is_dir()]
    sys.modules[_name] = _package

from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec  # noqa: E402
from mlserver.grpc import converters, model_repository_pb2, model_repository_pb2_grpc  # noqa: E402
from mlserver.grpc import dataplane_pb2 as pb  # noqa: E402
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub  # noqa: E402
from mlserver.types import InferenceRequest, InferenceResponse, Parameters  # noqa: E402


def request() -> InferenceRequest:
    """A data frame as MLServer's codec sends it: a tensor a column, and the content type pd."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in ROWS.items()})
    made = PandasCodec.encode_request(frame)
    made.id = "mine"
    return made


def decoded(response: InferenceResponse) -> dict[str, Any]:
    outputs = {output.name: output for output in response.outputs}
    return {
        "id": response.id,
        "labels": StringCodec.decode_output(outputs["predict"]),
        "probabilities": NumpyCodec.decode_output(outputs["predict_proba"]).tolist(),
    }


def by_rest() -> dict[str, Any]:
    with httpx.Client(base_url=f"http://{REST}", headers=bearer()) as client:
        answered = client.post(f"/v2/models/{MODEL}/infer", content=request().model_dump_json())
        return {
            "infer": decoded(InferenceResponse.model_validate_json(answered.content)),
            "index": client.post("/v2/repository/index", json={"ready": True}).json(),
            "load": client.post(f"/v2/repository/models/{MODEL}/load").status_code,
            "unload": client.post(f"/v2/repository/models/{MODEL}/unload").status_code,
        }


def by_grpc() -> dict[str, Any]:
    metadata = tuple(bearer().items())
    with grpc.insecure_channel(GRPC) as channel:
        stub = GRPCInferenceServiceStub(channel)
        repository = model_repository_pb2_grpc.ModelRepositoryServiceStub(channel)
        asked = converters.ModelInferRequestConverter.from_types(request(), model_name=MODEL, model_version="")
        raw = converters.ModelInferRequestConverter.from_types(
            request(), model_name=MODEL, model_version="", use_raw=True
        )
        name = {"model_name": MODEL}
        answers = {
            "live": stub.ServerLive(pb.ServerLiveRequest()).live,
            "metadata": stub.ModelMetadata(pb.ModelMetadataRequest(name=MODEL), metadata=metadata).platform,
            "infer": _infer(stub, asked, metadata),
            "raw": _infer(stub, raw, metadata),
        }
        loaded = model_repository_pb2.RepositoryModelLoadRequest(**name)
        unloaded = model_repository_pb2.RepositoryModelUnloadRequest(**name)
        repository.RepositoryModelLoad(loaded, metadata=metadata)
        listed = repository.RepositoryIndex(model_repository_pb2.RepositoryIndexRequest(), metadata=metadata)
        repository.RepositoryModelUnload(unloaded, metadata=metadata)
        answers["index"] = [[model.name, model.version, model.state] for model in listed.models]
        return answers


def _infer(stub: Any, asked: Any, metadata: Any) -> dict[str, Any]:
    return decoded(converters.ModelInferResponseConverter.to_types(stub.ModelInfer(asked, metadata=metadata)))


if __name__ == "__main__":
    assert request().parameters == Parameters(content_type="pd")
    tell({"http": by_rest(), "grpc": by_grpc()})
