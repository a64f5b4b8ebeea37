"""How large one request may be, apart from its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.kit.errors import InvalidArgument


@dataclass(frozen=True)
class RequestLimits:
    """rows: rows predicted by one request. elements: elements of all its tensors together."""

    rows: int
    elements: int

    def check_rows(self, rows: int) -> None:
        """Raise InvalidArgument above the limit; that no retry would help is why it is no lack of resources."""
        if rows > self.rows:
            raise InvalidArgument(
                f"{rows} rows were sent; one request may have {self.rows}; send fewer at a time, or predict in batch"
            )

    def check_elements(self, elements: int) -> None:
        """Raise InvalidArgument above the limit."""
        if elements > self.elements:
            raise InvalidArgument(
                f"the tensors have {elements} elements; one request may have {self.elements}; send fewer rows at a "
                "time, or predict in batch"
            )


LIMITS = RequestLimits(rows=100_000, elements=16_000_000)
"""What holds where the settings say nothing else."""
