"""What an attempt at a task keeps for the next one, in the blob store: there whatever becomes of its machine."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import NotFound

ATTEMPTS = "attempts"
_PARALLEL = 8


class Checkpoints:
    """Entries by name, each a few files that are there together or not at all.

    They stay until the task has ended; whoever owns it clears them then. Safe to call from many threads. All methods
    raise what the blob store raises.
    """

    def __init__(self, blobs: BlobStore, task: str) -> None:
        """Keep entries for a task, given its name or its id."""
        self._blobs = blobs
        self._under = f"{ATTEMPTS}/{task.rpartition('/')[2]}"

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        """Keep files under a name, in place of what was there.

        Raises InvalidArgument where the name can't be a part of a folder's key, OSError where there is no room to
        write the files down.
        """
        with TemporaryDirectory(prefix="fairlead-") as folder:
            for file, content in files.items():
                (Path(folder) / file).write_bytes(content)
            self._blobs.put_folder(Path(folder), self._key(name))

    def names(self) -> list[str]:
        """Return the names of all entries, in order."""
        return sorted(key.removeprefix(f"{self._under}/") for key in self._blobs.keys(self._under))

    def fetch(self, name: str) -> Path:
        """Return a folder with an entry's files, read-only. Raises NotFound."""
        return self._blobs.fetch_folder(self._key(name))

    def clear(self) -> None:
        """Remove all entries."""
        with ThreadPoolExecutor(_PARALLEL) as threads:
            for _ in threads.map(self._remove, self.names()):
                pass

    def _remove(self, name: str) -> None:
        # Processes that share a service may be at it at the same time.
        with suppress(NotFound):
            self._blobs.delete(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._under}/{name}"


def tasks_with_checkpoints(blobs: BlobStore) -> set[str]:
    """Return the ids of the tasks, of any service, that have checkpoints."""
    return {key.split("/")[1] for key in blobs.keys(ATTEMPTS)}
