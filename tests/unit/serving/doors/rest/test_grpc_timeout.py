import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.doors.rest.grpc_timeout import seconds_of


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(b"500m", 0.5), (b"2S", 2.0), (b"1M", 60.0), (b"1H", 3600.0), (b"250u", 0.00025), (b"0n", 0.0)],
)
def test_a_number_and_a_unit_are_read(header: bytes, seconds: float) -> None:
    assert seconds_of(header) == pytest.approx(seconds)


@pytest.mark.parametrize("header", [b"", b"5", b"S", b"1.5S", b"-1S", b"123456789S", b"1s"])
def test_anything_else_is_refused(header: bytes) -> None:
    with pytest.raises(InvalidArgument, match="the header Grpc-Timeout is"):
        seconds_of(header)
