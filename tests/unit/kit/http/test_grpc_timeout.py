import pytest

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.http.grpc_timeout import seconds_of


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("500m", 0.5), ("2S", 2.0), ("1M", 60.0), ("1H", 3600.0), (" 250u ", 0.00025), ("0n", 0.0)],
)
def test_a_number_and_a_unit_are_read(header: str, seconds: float) -> None:
    assert seconds_of(header) == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["", "5", "S", "1.5S", "-1S", "123456789S", "1s", "\u0662S"])
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument, match="the header Grpc-Timeout is") as refusal:
        seconds_of(header)
    assert [each.field for each in refusal.value.violations] == ["Grpc-Timeout"]
