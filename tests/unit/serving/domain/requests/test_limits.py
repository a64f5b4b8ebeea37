import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.requests.limits import RequestLimits

SMALL = RequestLimits(rows=2, elements=6)


def test_requests_up_to_the_limits_pass() -> None:
    SMALL.check_rows(2)
    SMALL.check_elements(6)


def test_larger_ones_are_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidArgument, match="3 rows were sent; one request may have 2; send fewer at a time"):
        SMALL.check_rows(3)
    with pytest.raises(InvalidArgument, match="the tensors have 7 elements; one request may have 6"):
        SMALL.check_elements(7)
