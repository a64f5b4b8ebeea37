"""What a batch prediction's task tells of its work."""

from __future__ import annotations

from fairlead.kit.tasks import TaskContext

from .domain.batch_prediction.parts import Tally

SOURCE = "batch_predict"
LOG_STEPS = 10
"""How many log lines tell of a long batch's progress."""
SHARE = 0.98
"""Of the task's progress; the rest is storing."""


class Reporter:
    """Tells the task how far the file is, and logs every tenth part."""

    def __init__(self, task: TaskContext) -> None:
        self._task = task
        self._logged = 0

    def away(self, error: str, seconds: float) -> None:
        """Say that what the work needs to know is not to be had yet."""
        message = f"Waiting for another service, next try in {seconds:.1f} s: {error}"
        self._task.log(f"{SOURCE}.load", message, level="WARNING", seconds=seconds)

    def note(self, message: str) -> None:
        """Say how the file is read."""
        self._task.log(f"{SOURCE}.read", message)

    def taken_up(self, parts: int, records: int) -> None:
        """Say what need not be done again."""
        message = f"Taken up after an interruption: {parts:,} parts of {records:,} rows are there, checked and whole"
        self._task.log(f"{SOURCE}.resume", message, parts=parts, rows=records)

    def damaged(self, index: int) -> None:
        """Say that a part is made again."""
        message = f"Part {index} of an earlier attempt is damaged; it and those behind it are predicted again"
        self._task.log(f"{SOURCE}.resume", message, level="WARNING", part=index)

    def part(self, share: float, tally: Tally) -> None:
        """Say how far the file is."""
        self._task.progress(SHARE * share, stage="predict")
        if int(share * LOG_STEPS) > self._logged:
            self._logged = int(share * LOG_STEPS)
            message = f"Predicted {tally.rows:,} rows, {share:.0%} of the file"
            self._task.log(f"{SOURCE}.predict", message, rows=tally.rows)
