"""Rare categories made one."""

from __future__ import annotations

from ..params import ParamReader
from ..state import FitState
from ..step import StepSpec
from ..wording import count_of
from .kind import CATEGORIES


class GroupRare:
    """Categories of less than `min_share` or `min_count` of the rows, or beyond `max_categories`, become `label`.

    Values that are first met after training get that label too.
    """

    kind = "group_rare"
    accepts = CATEGORIES

    def check(self, step: StepSpec) -> None:
        """The limits must be numbers."""
        self._read(step)

    def _read(self, step: StepSpec) -> tuple[float, float, int, str]:
        reader = ParamReader(step)
        counted = step.params.get("min_count") is not None or step.params.get("max_categories") is not None
        share = reader.number("min_share", 0.0 if counted else 0.01, 0.0, 1.0)
        count = reader.number("min_count", 0.0)
        most = int(reader.number("max_categories", 1e9, 1))
        label = reader.text("label", "other")
        reader.finish()
        return share, count, most, label

    def fit(self, step: StepSpec, state: FitState) -> None:
        """Missing values are never grouped."""
        share, least, most, label = self._read(step)
        limit = max(share * state.table.row_count, least)
        for column in step.columns:
            category = state.as_category(column)
            counts = {name: count for name, count in category.counts().items() if name}
            rare = [name for rank, (name, count) in enumerate(counts.items()) if count < limit or rank >= most]
            rows = sum(counts[name] for name in rare)
            category.relabel(dict.fromkeys(rare, label))
            if rare or label in counts:
                category.unseen_label = label
            kinds = f"{len(rare):,} rare {'category' if len(rare) == 1 else 'categories'}"
            message = f"Grouped {kinds} of '{column}' ({count_of(rows, 'row')}) into '{label}'"
            state.report(step.id, self.kind, message, rows, column=column, categories=len(rare))
