"""Names of a graph's inputs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..table import InputColumn


def tensor_names(inputs: Sequence[InputColumn]) -> dict[str, str]:
    """Column name -> tensor name: letters, digits and _ only, distinct; the same columns always get the same names."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for column in inputs:
        base = re.sub(r"[^A-Za-z0-9]+", "_", column.name).strip("_") or "column"
        if base[0].isdigit():
            base = f"_{base}"
        name, number = base, 2
        while name in taken or name in ("probabilities", "value"):
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names[column.name] = name
    return names
