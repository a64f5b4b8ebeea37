"""What was left out of libraries to make them small is not missed."""

from __future__ import annotations

import pytest

from tests.cluster.images.container import SERVICES, once, python

WITH_KIT = (*SERVICES, "operator")


@pytest.mark.parametrize("name", WITH_KIT)
def test_s3_and_what_signing_in_to_it_takes_are_known(name: str) -> None:
    program = """
import boto3
for service in ("s3", "sts", "sso", "sso-oidc"):
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    print(client.meta.endpoint_url)
print(boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    .generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"}).split("?")[0])
"""
    assert python(name, program).split() == [
        *("https://s3.eu-west-1.amazonaws.com", "https://sts.eu-west-1.amazonaws.com"),
        *("https://portal.sso.eu-west-1.amazonaws.com", "https://oidc.eu-west-1.amazonaws.com"),
        "https://bucket.s3.amazonaws.com/key",
    ]


@pytest.mark.parametrize("name", WITH_KIT)
def test_every_compiled_library_finds_those_that_it_stands_on(name: str) -> None:
    lost = "find /opt/fairlead -name '*.so*' -type f -exec ldd {} + 2>/dev/null | sed -n 's/ => not found//p'"

    # A package's own lie beside it, and are there once the package has loaded them.
    own = once(name, "find", "/opt/fairlead", "-name", "*.so*").splitlines()
    missing = once(name, "sh", "-c", lost).split()
    assert sorted({*missing} - {path.rpartition("/")[2] for path in own}) == []


@pytest.mark.parametrize("name", WITH_KIT)
def test_what_kafka_compresses_with_works(name: str) -> None:
    program = """
import crc32c, zstandard
from kafka.codec import zstd_decode, zstd_encode
print(zstd_decode(zstd_encode(b"rows " * 100)) == b"rows " * 100, zstandard.backend, crc32c.crc32c(b"123456789"))
"""
    assert python(name, program).split() == ["True", "cext", str(0xE3069283)]


@pytest.mark.parametrize("name", ["profiler", "trainer", "serving"])
def test_arrow_writes_reads_and_scans_parquet(name: str) -> None:
    program = """
import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset as ds, pyarrow.parquet as pq
pq.write_table(pa.table({"a": [1, 2, None], "b": ["x", "y", "z"]}), "/tmp/t.parquet", compression="zstd")
print(pc.sum(ds.dataset("/tmp/t.parquet").to_table(filter=ds.field("b") != "x")["a"]))
"""
    assert python(name, program).split() == ["2"]


def test_duckdb_reads_arrow_s_files_in_the_profiler() -> None:
    program = """
import duckdb, pyarrow as pa
rows = pa.table({"a": [1, 2, 3]})
duckdb.sql("COPY (SELECT a * 2 AS a FROM rows) TO '/tmp/d.parquet' (COMPRESSION zstd)")
print(duckdb.sql("SELECT sum(a) FROM '/tmp/d.parquet'").fetchall()[0][0])
print(duckdb.sql("SELECT a FROM rows").to_arrow_table().num_rows)
"""
    assert python("profiler", program).split() == ["12", "3"]


@pytest.mark.parametrize("name", ["trainer", "serving"])
def test_models_learn_and_predict(name: str) -> None:
    program = """
import lightgbm, numpy as np, pandas as pd, xgboost
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
x = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 3)), columns=list("abc"))
y = (x["a"] > 0).astype(int)
models = (RandomForestClassifier(), HistGradientBoostingClassifier(), LogisticRegression(),
    lightgbm.LGBMClassifier(verbose=-1), xgboost.XGBClassifier())
print(*(model.fit(x, y).score(x, y) > 0.95 for model in models))
"""
    assert python(name, program).split() == ["True"] * 5


def test_the_trainer_s_graph_runs_in_onnx_runtime() -> None:
    program = """
import numpy as np, onnx, onnxruntime
from onnx import TensorProto as T, helper as h
graph = h.make_graph([h.make_node("Add", ["x", "x"], ["y"])], "g",
    [h.make_tensor_value_info("x", T.FLOAT, [2])], [h.make_tensor_value_info("y", T.FLOAT, [2])])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=10)
onnx.checker.check_model(model)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
print(*session.run(None, {"x": np.array([1, 2], np.float32)})[0])
"""
    assert python("trainer", program).split() == ["2.0", "4.0"]


def test_the_trainer_s_mlflow_has_its_pages() -> None:
    program = """
import mlflow.server, pathlib
print((pathlib.Path(mlflow.server.__file__).parent / "js" / "build" / "index.html").exists())
"""
    assert python("trainer", program).split() == ["True"]
