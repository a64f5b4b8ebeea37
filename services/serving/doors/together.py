"""Rows that are here at the same time are predicted together (docs/adr/0020-rows-together.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from fairlead.kit.errors import NotFound
from fairlead.kit.logging import get_logger

from ..domain.inference import AnsweredRows, AskedRow, Inference
from ..domain.traffic.deployment import name_of_inference

Written = TypeVar("Written")
Asked = tuple[int, str, AskedRow]
"""A row that is asked for: its place among the requests that are here, the model's name in the protocol, and itself."""

LOG = get_logger("fairlead.serving.together")


def answer_together(
    inference: Inference, asked: Iterable[Asked], door: str, written: Callable[[str, AnsweredRows], Iterable[Written]]
) -> dict[int, Written]:
    """Return the answers by the places of their requests, as written(model, answered rows) has them; raises nothing.

    What has none must be asked by itself, which tells what is wrong with it.
    """
    by_model: dict[str, list[tuple[int, AskedRow]]] = {}
    for place, model_name, row in asked:
        by_model.setdefault(model_name, []).append((place, row))
    answers: dict[int, Written] = {}
    for model_name, rows in by_model.items():
        try:
            for found in inference.answer_rows(name_of_inference(model_name), [row for _, row in rows], door=door):
                for index, answer in zip(found.places, written(model_name, found), strict=True):
                    answers[rows[index][0]] = answer
        except NotFound:
            continue
        except Exception:
            # What one of them broke must not be the others'.
            LOG.exception("rows could not be answered together", model=model_name)
    return answers
