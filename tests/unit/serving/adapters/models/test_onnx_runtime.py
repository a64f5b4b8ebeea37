from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto

from services.serving.adapters.models.manifest import schema_of
from services.serving.adapters.models.memory import ProcessMemory
from services.serving.adapters.models.onnx_runtime import OnnxRuntime
from services.serving.domain.requests.columns import Columns, columns_of
from tests.unit.serving import packages
from tests.unit.serving.schemas import PRICE

SESSIONS = 10


def people(package: packages.Package, count: int = 300) -> tuple[Columns, dict[str, np.ndarray]]:
    """Rows for the runtime, and for a session of ONNX Runtime."""
    rows, _ = packages.census_rows(count, seed=3)
    rows[::7, 2] = "never seen"
    rows[::5, 2] = ""
    given = {"age": rows[:, 0].astype(float), "hours-per-week": rows[:, 1].astype(float), "workclass": rows[:, 2]}
    columns, _ = columns_of(schema_of(package.manifest), given)
    tensors = {column.tensor: given[column.name].reshape(-1, 1) for column in package.manifest.inputs}
    return columns, tensors


def plain_session(package: packages.Package) -> ort.InferenceSession:
    return ort.InferenceSession(str(package.folder / "model.onnx"), providers=["CPUExecutionProvider"])


def test_predictions_are_those_of_the_file_to_the_last_bit(tmp_path: Path) -> None:
    package = packages.classifier(tmp_path / "package", trees=60)
    runtime = OnnxRuntime(package.folder / "model.onnx", schema_of(package.manifest))
    columns, tensors = people(package)
    expected = plain_session(package).run(["probabilities"], tensors)[0]
    np.testing.assert_array_equal(runtime.run(columns), expected)


def test_a_large_graph_is_held_as_it_is(tmp_path: Path) -> None:
    package = packages.classifier(tmp_path / "package")
    runtime = OnnxRuntime(package.folder / "model.onnx", schema_of(package.manifest), large=100)
    columns, tensors = people(package)
    np.testing.assert_array_equal(runtime.run(columns), plain_session(package).run(["probabilities"], tensors)[0])


def test_a_graph_that_can_not_be_compacted_is_held_as_it_is(tmp_path: Path) -> None:
    optional = onnx.helper.make_optional_type_proto(onnx.helper.make_tensor_type_proto(TensorProto.DOUBLE, [None, 1]))
    rooms, age, value = (
        onnx.helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in ("rooms", "age", "value")
    )
    nodes = [
        onnx.helper.make_node("Optional", ["rooms"], ["perhaps"]),
        onnx.helper.make_node("OptionalGetElement", ["perhaps"], ["known"]),
        onnx.helper.make_node("Add", ["known", "age"], ["value"]),
    ]
    told = [onnx.helper.make_value_info("perhaps", optional)]
    graph = onnx.helper.make_graph(nodes, "g", [rooms, age], [value], value_info=told)
    path = tmp_path / "model.onnx"
    opset = onnx.helper.make_opsetid("", 18)
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
    runtime = OnnxRuntime(path, PRICE)
    np.testing.assert_array_equal(runtime.run((np.array([3.0, 1.0]), np.array([2.0, 2.0]))), [[5.0], [3.0]])


def test_a_runtime_takes_less_than_half_the_memory_of_a_session_of_the_file(tmp_path: Path) -> None:
    package = packages.classifier(tmp_path / "package", trees=200)
    schema = schema_of(package.manifest)

    def cost(make: Callable[[], object]) -> int:
        memory = ProcessMemory()
        make()
        before = memory.used_bytes()
        held = [make() for _ in range(SESSIONS)]
        taken = memory.used_bytes() - before
        del held
        return taken

    compact = cost(lambda: OnnxRuntime(package.folder / "model.onnx", schema))
    assert compact < cost(lambda: plain_session(package)) / 2


def test_a_large_batch_leaves_no_memory_behind(tmp_path: Path) -> None:
    package = packages.classifier(tmp_path / "package")
    runtime = OnnxRuntime(package.folder / "model.onnx", schema_of(package.manifest))
    columns, _ = people(package, 100_000)
    few = tuple(column[:1] for column in columns)
    memory = ProcessMemory()
    runtime.run(few)
    before = memory.used_bytes()
    runtime.run(columns)
    assert memory.used_bytes() - before < 1_000_000


def test_threads_share_a_runtime(tmp_path: Path) -> None:
    package = packages.classifier(tmp_path / "package")
    runtime = OnnxRuntime(package.folder / "model.onnx", schema_of(package.manifest))
    columns, _ = people(package)
    expected = runtime.run(columns)
    agreed: list[bool] = []

    def predict() -> None:
        agreed.extend(bool(np.array_equal(runtime.run(columns), expected)) for _ in range(50))

    threads = [Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert agreed == [True] * 200
