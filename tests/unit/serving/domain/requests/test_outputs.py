import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.insights.explanation import Explanation
from services.serving.domain.insights.interval import Interval
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.requests.options import PredictionOptions
from services.serving.domain.requests.outputs import (
    RequestedOutput,
    check_outputs,
    input_infos,
    output_infos,
    output_tensors,
)
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
    labels, proba = RequestedOutput("predict"), RequestedOutput("predict_proba")
    assert [t.name for t in output_tensors(PREDICTION, [proba])] == ["predict_proba"]
    assert [t.name for t in output_tensors(PREDICTION, [proba, labels])] == ["predict_proba", "predict"]


def test_an_unknown_output_is_refused_naming_those_there_are() -> None:
    with pytest.raises(InvalidArgument, match=r"no output 'predict_proba' for this request; it answers predict$"):
        check_outputs(PRICE, [RequestedOutput("predict"), RequestedOutput("predict_proba")])


def test_the_likeliest_classes_are_told_as_value_index_and_label() -> None:
    probabilities = numbers([0.25, 0.5, 0.25, 0.125, 0.125, 0.75]).reshape(2, 3)
    prediction = Prediction(2, labels=["b", "c"], probabilities=probabilities)
    (two,) = output_tensors(prediction, [RequestedOutput("predict_proba", top=2)], classes=["a", "b", "c"])
    assert two[:3] == ("predict_proba", "BYTES", (2, 2))
    assert two.data == ["0.5:1:b", "0.25:0:a", "0.75:2:c", "0.125:0:a"]
    (every,) = output_tensors(prediction, [RequestedOutput("predict_proba", top=9)], classes=["a", "b", "c"])
    assert every.shape == (2, 3)


def test_only_probabilities_can_be_ranked() -> None:
    with pytest.raises(InvalidArgument, match="'classification' was asked of the output 'predict'"):
        check_outputs(PRICE, [RequestedOutput("predict", top=1)])


def test_an_explanation_adds_contributions_in_the_order_of_the_inputs() -> None:
    two_classes = Explanation(("age", "workclass"), numbers([1, 2, 3, 4]).reshape(2, 1, 2), numbers([5]), "log_odds")
    *_, contributions, base = output_tensors(PREDICTION, explanation=two_classes)
    assert contributions[:3] == ("contributions", "FP64", (2, 2))
    assert contributions.parameters == {"scale": "log_odds"}
    assert base[:3] == ("base_values", "FP64", (1,))
    three = Explanation(("age",), numbers([1, 2, 3]).reshape(1, 3, 1), numbers([1, 2, 3]), "probability")
    *_, contributions, base = output_tensors(Prediction(1, values=numbers([1])), explanation=three)
    assert (contributions.shape, base.shape) == ((1, 3, 1), (3,))


def test_an_interval_adds_bounds_or_the_set_of_labels() -> None:
    bounds = Interval(0.9, lower=numbers([1]), upper=numbers([2]))
    added = output_tensors(Prediction(1, values=numbers([1.5])), interval=bounds)[1:]
    assert [(t.name, t.datatype, t.shape, t.parameters) for t in added] == [
        ("interval_lower", "FP64", (1,), {"coverage": 0.9}),
        ("interval_upper", "FP64", (1,), {"coverage": 0.9}),
    ]
    labels = Interval(0.9, contains=np.array([[True, False], [True, True]]))
    (found,) = output_tensors(PREDICTION, interval=labels)[2:]
    assert found[:3] == ("prediction_set", "BOOL", (2, 2))


def test_what_was_not_asked_for_can_not_be_named() -> None:
    asked = PredictionOptions(explain=True, interval=0.9)
    check_outputs(PRICE, [RequestedOutput("contributions"), RequestedOutput("interval_upper")], asked)
    check_outputs(INCOME, [RequestedOutput("prediction_set")], asked)
    with pytest.raises(InvalidArgument, match="no output 'contributions'"):
        check_outputs(PRICE, [RequestedOutput("contributions")])
    with pytest.raises(InvalidArgument, match="no output 'prediction_set'"):
        check_outputs(PRICE, [RequestedOutput("prediction_set")], asked)


def test_metadata_announces_what_is_read_and_answered() -> None:
    assert [(info.name, info.datatype, info.shape) for info in input_infos(INCOME)] == [
        ("age", "FP64", (-1, 1)),
        ("workclass", "BYTES", (-1, 1)),
        ("seen", "BYTES", (-1, 1)),
        ("married", "BOOL", (-1, 1)),
    ]
    assert [info.shape for info in output_infos(INCOME)] == [(-1,), (-1, 2)]
    assert [info.datatype for info in output_infos(PRICE)] == ["FP64"]
