"""Sums of floats without rounding: what is taken out again, such as a mistyped truth of 1e12, leaves nothing."""

from __future__ import annotations

# Floats that do not overlap, smallest first; the sum is theirs. Most sums need one to three.
ExactSum = tuple[float, ...]


def plus(total: ExactSum, value: float) -> ExactSum:
    """Return the sum with a finite value added; math.fsum makes one float of it.

    Shewchuk (1997), "Adaptive precision floating-point arithmetic and fast robust geometric predicates", figure 8.
    """
    rest: list[float] = []
    for part in total:
        large, small = (value, part) if abs(value) >= abs(part) else (part, value)
        value = large + small
        lost = small - (value - large)
        if lost:
            rest.append(lost)
    return (*rest, value) if value else tuple(rest)
