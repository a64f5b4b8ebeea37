from __future__ import annotations

import onnx
import onnxruntime

from services.trainer.domain.export import WeightedEnsemble, tensor_names, to_onnx
from services.trainer.domain.table import InputColumn

from ..preparation.tables import adult, texts
from .candidates import fit


def test_every_column_is_one_tensor_and_the_output_is_named() -> None:
    train = adult(500)
    session = onnxruntime.InferenceSession(to_onnx(fit(train, "lightgbm"), train.inputs).SerializeToString())
    found = {tensor.name: (tensor.type, tensor.shape) for tensor in session.get_inputs()}
    assert found["age"] == ("tensor(double)", ["n", 1])
    assert found["native_country"] == ("tensor(string)", ["n", 1])
    assert len(found) == len(train.inputs)
    output = session.get_outputs()[0]
    assert (output.name, output.type, output.shape) == ("probabilities", "tensor(double)", ["n", 2])


def test_columns_that_no_feature_needs_are_still_inputs() -> None:
    """A request that follows the manifest holds all columns, also those that preparation drops."""
    train = adult(500)
    train.columns["education"][:] = texts(["same"] * 500)
    model = fit(train, "lightgbm")
    assert "education" not in model.input_names
    session = onnxruntime.InferenceSession(to_onnx(model, train.inputs).SerializeToString())
    assert "education" in {tensor.name for tensor in session.get_inputs()}


def test_tensor_names_are_plain_and_distinct() -> None:
    names = ["native-country", "native country", "2nd", "é", "value", "", "probabilities"]
    assert tensor_names([InputColumn(name, "text") for name in names]) == {
        "native-country": "native_country",
        "native country": "native_country_2",
        "2nd": "_2nd",
        "é": "column",
        "value": "value_2",
        "": "column_2",
        "probabilities": "probabilities_2",
    }


def test_members_with_the_same_preparation_share_its_nodes() -> None:
    train = adult(800)
    one, two = fit(train, "lightgbm"), fit(train, "xgboost")
    shared = to_onnx(WeightedEnsemble(((one, 1.0), (two, 1.0))), train.inputs)

    def lookups(model: onnx.ModelProto) -> int:
        return sum(node.op_type == "LabelEncoder" for node in model.graph.node)

    assert lookups(shared) == lookups(to_onnx(one, train.inputs)) == 8
