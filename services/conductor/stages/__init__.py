"""The eight stages, in the order in which they run; each does its work and returns what came out, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..adapters.child_task import ChildTasks
from ..adapters.job import Job
from . import data_source, export, parse_intent, prepare, profile, review, select_models, train

REVIEW = "review"


@dataclass(frozen=True)
class StageWork:
    """A stage's id and what it does."""

    id: str
    run: Callable[[Job, ChildTasks], str]


STAGES = (
    StageWork("parse_intent", parse_intent.run),
    StageWork("data_source", data_source.run),
    StageWork("profile", profile.run),
    StageWork("prepare", prepare.run),
    StageWork("select_models", select_models.run),
    StageWork("train", train.run),
    StageWork(REVIEW, review.run),
    StageWork("export", export.run),
)
