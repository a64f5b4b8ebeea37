"""What the programs that hold stock clients have in common: rows to ask for, and how answers are told.

Each program is a process of its own, since the clients' protobuf symbols clash with Fairlead's. It is given the REST
address, the gRPC address, the model's name, the token and a file of columns, and prints what it was answered as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REST, GRPC, MODEL, TOKEN = sys.argv[1:5]
ROWS: dict[str, np.ndarray] = {
    name: np.array(values, dtype=object if isinstance(values[0], str) else np.float64)
    for name, values in json.loads(Path(sys.argv[5]).read_text()).items()
}
"""Three rows, a column each: numbers with NaN, or texts with ""."""


def bearer() -> dict[str, str]:
    """New at each call, for some clients add headers of their own to the dict that they are given."""
    return {"authorization": f"Bearer {TOKEN}"}


def datatype(values: np.ndarray) -> str:
    return "BYTES" if values.dtype == object else "FP64"


def tell(answers: object) -> None:
    print(json.dumps(answers))


def refusal(call: Callable[[], Any], *errors: type[Exception]) -> str:
    try:
        call()
    except errors as error:
        return str(error)
    return "was not refused"
