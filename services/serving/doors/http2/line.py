"""What waits in line, and how much that is."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")
LARGE_BYTES = 64 * 1024


class Line(Generic[Item]):
    """Items in the order they came; large ones count as several."""

    __slots__ = ("_items", "weight")

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self.weight = 0
        """How many there are, large ones counted as several."""

    def __bool__(self) -> bool:
        return bool(self._items)

    @property
    def first(self) -> Item:
        """Return the one that has waited longest. Raises IndexError where there is none."""
        return self._items[0]

    def append(self, item: Item) -> None:
        """Add one at the end."""
        self._items.append(item)
        self.weight += _weight(item)

    def put_back(self, item: Item) -> None:
        """Add one, or what is left of it, at the beginning."""
        self._items.appendleft(item)
        self.weight += _weight(item)

    def popleft(self) -> Item:
        """Return the one that has waited longest, and remove it. Raises IndexError where there is none."""
        item = self._items.popleft()
        self.weight -= _weight(item)
        return item

    def clear(self) -> None:
        """Remove all."""
        self._items.clear()
        self.weight = 0


def _weight(item: object) -> int:
    return 1 + len(item) // LARGE_BYTES if isinstance(item, bytes | memoryview) else 1
