"""Of the process that runs the tests."""

import numpy as np

from services.serving.adapters.models.memory import ProcessMemory, peak_bytes

MEGABYTE = 1024 * 1024
SIZE = 64 * MEGABYTE


def test_memory_that_is_written_is_resident_and_used() -> None:
    memory = ProcessMemory()
    resident, used = memory.resident_bytes(), memory.used_bytes()
    block = np.ones(SIZE, dtype=np.uint8)
    assert memory.resident_bytes() - resident > 0.9 * SIZE
    assert 0.9 * SIZE < memory.used_bytes() - used < 1.5 * SIZE
    del block
    assert memory.used_bytes() - used < 0.5 * SIZE


def test_freed_pieces_are_given_back() -> None:
    memory = ProcessMemory()
    pieces = [np.ones(32 * 1024, dtype=np.uint8) for _ in range(2048)]
    resident = memory.resident_bytes()
    del pieces[:-1]
    memory.release()
    assert resident - memory.resident_bytes() > 0.8 * 2048 * 32 * 1024


def test_the_peak_is_no_less_than_what_is_resident() -> None:
    assert peak_bytes() >= 0.9 * ProcessMemory().resident_bytes() > MEGABYTE
