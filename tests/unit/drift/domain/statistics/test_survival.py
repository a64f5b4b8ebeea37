from __future__ import annotations

import pytest
from scipy import special, stats

from services.drift.domain.statistics.survival import chi_squared_survival, kolmogorov_survival


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 13, 50, 101])
@pytest.mark.parametrize("value", [0.01, 0.5, 3.0, 9.9, 40.0, 300.0, 1e5])
def test_chi_squared_tail_is_scipys(value: float, degrees: int) -> None:
    assert chi_squared_survival(value, degrees) == pytest.approx(stats.chi2.sf(value, degrees), rel=1e-9, abs=1e-300)


def test_chi_squared_tail_of_nothing_is_certain() -> None:
    assert chi_squared_survival(5.0, 0) == 1.0
    assert chi_squared_survival(0.0, 3) == 1.0


@pytest.mark.parametrize("value", [0.0, 0.1, 0.2, 0.25, 0.5, 1.0, 1.36, 2.0, 5.0, 40.0])
def test_kolmogorov_tail_is_scipys(value: float) -> None:
    assert kolmogorov_survival(value) == pytest.approx(special.kolmogorov(value), rel=1e-9, abs=1e-12)
