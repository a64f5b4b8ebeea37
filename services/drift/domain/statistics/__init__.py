"""The statistics, one file each. To add one: a file, a line in the tuple, a test."""

from .chi_squared import CHI_SQUARED
from .jensen_shannon import JENSEN_SHANNON
from .ks import KS
from .psi import PSI
from .score import Score, Statistic
from .wasserstein import WASSERSTEIN

STATISTICS: tuple[Statistic, ...] = (PSI, KS, CHI_SQUARED, JENSEN_SHANNON, WASSERSTEIN)

__all__ = ["STATISTICS", "Score", "Statistic"]
