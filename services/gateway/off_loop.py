"""Work on large bodies, kept away from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

# Below it a change of threads costs more than the work, and other calls hardly notice the wait.
LARGE_BYTES = 256 * 1024

P = ParamSpec("P")
T = TypeVar("T")


async def work(large: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns: called in a thread where its input is large, at once where it is not."""
    if large:
        return await run_in_threadpool(function, *args, **kwargs)
    return function(*args, **kwargs)
