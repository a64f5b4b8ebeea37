import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.outputs import check_outputs, input_infos, output_infos, output_tensors
from services.serving.domain.prediction import Prediction
from tests.unit.serving.schemas import INCOME, PRICE, numbers

PREDICTION = Prediction(2, labels=["<=50K", ">50K"], probabilities=numbers([0.9, 0.1, 0.2, 0.8]).reshape(2, 2))


def test_classification_answers_labels_and_probabilities() -> None:
    predict, proba = output_tensors(PREDICTION)
    assert predict[:3] == ("predict", "BYTES", (2,))
    assert predict.data == ["<=50K", ">50K"]
    assert proba[:3] == ("predict_proba", "FP64", (2, 2))


def test_regression_answers_values() -> None:
    (predict,) = output_tensors(Prediction(1, values=numbers([3.5])))
    assert predict[:3] == ("predict", "FP64", (1,))


def test_requested_outputs_come_in_the_order_asked_for() -> None:
    assert [t.name for t in output_tensors(PREDICTION, ["predict_proba"])] == ["predict_proba"]
    assert [t.name for t in output_tensors(PREDICTION, ["predict_proba", "predict"])] == ["predict_proba", "predict"]


def test_an_unknown_output_is_refused_naming_those_there_are() -> None:
    with pytest.raises(InvalidArgument, match="no output 'predict_proba'; it answers predict"):
        check_outputs(PRICE, ["predict", "predict_proba"])


def test_metadata_announces_what_is_read_and_answered() -> None:
    assert [(info.name, info.datatype, info.shape) for info in input_infos(INCOME)] == [
        ("age", "FP64", (-1, 1)),
        ("workclass", "BYTES", (-1, 1)),
        ("seen", "BYTES", (-1, 1)),
        ("married", "BOOL", (-1, 1)),
    ]
    assert [info.shape for info in output_infos(INCOME)] == [(-1,), (-1, 2)]
    assert [info.datatype for info in output_infos(PRICE)] == ["FP64"]
