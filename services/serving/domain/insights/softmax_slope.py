"""The mean of softmax's derivative along straight lines, however steep."""

from __future__ import annotations

import numpy as np

from .trees import Floats, Truths

# A piece along which no two scores drift apart by more is smooth: so many points of Gauss and Legendre integrate it to
# about 1e-10.
_SMOOTH = 8.0
_POINTS = 16
# Where one class leads by more at both ends, its probability is 1 all along.
_LEAD = 40.0
# Halvings; a piece that is steep after them is as short as rounding allows.
_HALVINGS = 120


def mean_slope(base: Floats, change: Floats) -> Floats:
    """The integral over t in 0..1 of softmax's derivative at base [k] + t * change [n, k]: float64 [n, k, k].

    Times the change it is softmax(base + change) - softmax(base). Lines are halved until each piece is smooth or flat.
    """
    total = np.zeros((*change.shape, change.shape[1]))
    rows = np.arange(len(change))
    start, stop = np.zeros(len(change)), np.ones(len(change))
    drift = change.max(axis=1) - change.min(axis=1)
    for _ in range(_HALVINGS):
        busy = ~_is_flat(base, change[rows], start, stop)
        rows, start, stop = rows[busy], start[busy], stop[busy]
        smooth = drift[rows] * (stop - start) <= _SMOOTH
        if smooth.any():
            some = rows[smooth]
            np.add.at(total, some, _integrals(base, change[some], start[smooth], stop[smooth]))
        rows, start, stop = rows[~smooth], start[~smooth], stop[~smooth]
        if not len(rows):
            break
        middle = (start + stop) / 2.0
        rows, start, stop = np.tile(rows, 2), np.concatenate([start, middle]), np.concatenate([middle, stop])
    return total


def softmax(scores: Floats) -> Floats:
    """Probabilities of scores [..., k]."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _is_flat(base: Floats, change: Floats, start: Floats, stop: Floats) -> Truths:
    """Whether one class leads all along each piece, bool [pieces]: scores are straight, so it does if at both ends."""
    first, last = base + start[:, np.newaxis] * change, base + stop[:, np.newaxis] * change
    leader = first.argmax(axis=1)
    leads = np.ones(len(change), dtype=bool)
    for scores in (first, last):
        own = np.take_along_axis(scores, leader[:, np.newaxis], axis=1)
        behind = own - scores
        np.put_along_axis(behind, leader[:, np.newaxis], np.inf, axis=1)
        leads &= behind.min(axis=1) > _LEAD
    return leads


def _integrals(base: Floats, change: Floats, start: Floats, stop: Floats) -> Floats:
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    half = (stop - start)[:, np.newaxis] / 2.0
    at = (start[:, np.newaxis] + half) + half * points
    probabilities = softmax(base + at[:, :, np.newaxis] * change[:, np.newaxis])
    weighted = probabilities * (half * weights)[:, :, np.newaxis]
    result = -np.einsum("npk,npc->nkc", weighted, probabilities)
    diagonal = np.arange(change.shape[1])
    result[:, diagonal, diagonal] += weighted.sum(axis=1)
    return np.asarray(result)
