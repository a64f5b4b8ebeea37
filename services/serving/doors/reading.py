"""How a request's tensors become the columns of whichever model answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fairlead.kit.rpc import deadline

from ..domain.inference import Reader
from ..domain.models.schema import Schema
from ..domain.requests.columns import Columns
from ..domain.requests.limits import RequestLimits
from ..domain.requests.options import PredictionOptions
from ..domain.requests.outputs import RequestedOutput, check_outputs
from ..domain.requests.plain_row import PlainRow, columns_of_plain_row
from ..domain.requests.tensors import Tensor, columns_of_tensors

QUICK_BYTES = 16 * 1024
"""A larger body is not read where others wait behind it."""


def tensor_reader(
    tensors: Callable[[], Sequence[Tensor]],
    row: PlainRow | None,
    outputs: Sequence[RequestedOutput],
    options: PredictionOptions,
    limits: RequestLimits,
) -> Reader:
    """Return what reads the tensors, or the row that they are, once the model is known.

    It raises InvalidArgument for tensors and outputs that do not fit the model, and DeadlineExceeded where the caller
    waits no more, so that nothing is computed for it.
    """

    def read(schema: Schema) -> tuple[Columns, int]:
        check_outputs(schema, outputs, options)
        columns, rows = None if row is None else columns_of_plain_row(schema, row), 1
        if columns is None:
            found = tensors()
            if found and found[0].shape:
                limits.check_rows(found[0].shape[0])
            columns, rows = columns_of_tensors(schema, found)
        # Raises where no time is left.
        deadline.remaining(0.0)
        return columns, rows

    return read
