"""What this process holds of the machine's memory, and how it gives some back."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STATM = Path("/proc/self/statm")
_RESIDENT_FIELD = 1
_KILOBYTE = 1024


class _Mallinfo2(ctypes.Structure):
    """struct mallinfo2 of glibc 2.33 and later, see mallinfo(3)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


class ProcessMemory:
    """Measures this process. Safe to call from many threads.

    On Linux with glibc: resident memory from /proc/self/statm, allocated memory from mallinfo2 (0.1 ms, some ms where
    freed pieces fill hundreds of megabytes), and malloc_trim. Elsewhere the standard library knows the peak of resident
    memory only: it stands for both, so a model that reuses freed memory seems to cost nothing, and the bound holds
    since the peak counts; nothing is given back.
    """

    def __init__(self) -> None:
        """Find out what this platform offers."""
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._mallinfo2 = _c_function("mallinfo2", _Mallinfo2)
        self._malloc_trim = _c_function("malloc_trim", ctypes.c_int, ctypes.c_size_t)
        self.resident_bytes: Callable[[], int] = self._statm if _STATM.exists() else peak_bytes
        """Returns the bytes of this process that are in memory."""

    def used_bytes(self) -> int:
        """Return the bytes that are allocated now; the resident ones where the allocator does not tell."""
        if self._mallinfo2 is None:
            return self.resident_bytes()
        found = self._mallinfo2()
        return int(found.uordblks + found.hblkhd)

    def release(self) -> None:
        """Give freed pieces back to the machine, where the allocator can. Takes 0.1 s for hundreds of megabytes."""
        if self._malloc_trim is not None:
            self._malloc_trim(0)

    def _statm(self) -> int:
        return int(_STATM.read_bytes().split()[_RESIDENT_FIELD]) * self._page


def peak_bytes() -> int:
    """Return the most bytes of this process that were ever in memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _KILOBYTE


def _c_function(name: str, returns: type, *takes: type) -> Callable[..., Any] | None:
    """Return a function of the C library, None where there is none of this name. It runs without the interpreter."""
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.restype, function.argtypes = returns, takes
    return function
