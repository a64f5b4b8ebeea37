"""What waits in line, and how much that is."""

from __future__ import annotations

from services.serving.doors.http2.line import LARGE_BYTES, Line


def test_large_items_count_as_several() -> None:
    line: Line[bytes | memoryview | str] = Line()
    for item in (b"small", "a word", b"x" * (3 * LARGE_BYTES)):
        line.append(item)
    assert line.weight == 1 + 1 + 4
    assert (line.popleft(), line.weight) == (b"small", 5)
    assert line.popleft() == "a word"
    line.put_back(memoryview(line.popleft())[LARGE_BYTES:])  # type: ignore[arg-type]
    assert (line.weight, len(line.first)) == (3, 2 * LARGE_BYTES)
    line.clear()
    assert (bool(line), line.weight) == (False, 0)
