from typing import Any

import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.requests.options import PLAIN, PredictionOptions
from services.serving.domain.requests.parameters import checked_options, options_of, timeout_of


def test_parameters_of_other_servers_ask_for_nothing() -> None:
    assert options_of({"binary_data_output": True, "sequence_id": 3, "content_type": "pd"}) is PLAIN
    assert options_of({"fairlead_explain": False, "fairlead_interval": 0, "fairlead_routing_key": ""}) is PLAIN


def test_ours_ask_for_what_they_say() -> None:
    assert options_of({"fairlead_routing_key": "ann"}) == PredictionOptions("ann")
    assert options_of({"fairlead_explain": True, "fairlead_interval": 0.8}) == PredictionOptions("", True, 0.8)
    assert checked_options("ann", True, 0.5) == PredictionOptions("ann", True, 0.5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fairlead_explian": True}, "'fairlead_explian': there is no such parameter; there are fairlead_routing_key,"),
        ({"fairlead_routing_key": 7}, "'fairlead_routing_key': it is 7; a text is expected"),
        ({"fairlead_explain": 1}, "'fairlead_explain': it is 1; true or false is expected"),
        ({"fairlead_interval": True}, "'fairlead_interval': it is True; a coverage such as 0.9"),
        ({"fairlead_interval": 90}, "'fairlead_interval': it is 90; a coverage is above 0 and below 1"),
        ({"fairlead_interval": float("nan")}, "'fairlead_interval': it is nan; a coverage is above 0"),
    ],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        options_of(parameters)
    assert caught.value.violations[0].field == next(iter(parameters))


def test_a_timeout_is_in_microseconds() -> None:
    assert timeout_of({"timeout": 1_500_000}) == 1.5
    assert timeout_of({"timeout": 0}) is None
    assert timeout_of({}) is None
    assert timeout_of({"timeout": 10**400}) == 10**9


@pytest.mark.parametrize("timeout", [-1, 1.5, "1s", True])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"'timeout': .* a whole number of microseconds is expected"):
        timeout_of({"timeout": timeout})


@pytest.mark.parametrize("key", ["k" * 257, "ü" * 129, "a\ud800"])
def test_a_routing_key_is_short_and_a_text(key: str) -> None:
    with pytest.raises(InvalidArgument, match=r"fairlead_routing_key: .* at most 256 bytes"):
        options_of({"fairlead_routing_key": key})
    with pytest.raises(InvalidArgument, match=r"routing_key: .* at most 256 bytes"):
        checked_options(key, False, 0.0)
    assert checked_options("ü" * 128, False, 0.0).routing_key == "ü" * 128
