"""The manifest of a folder: which generation of it counts, and the files in it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Self

from fairlead.kit.errors import Internal

MANIFESTS = "manifests/"
FOLDERS = "folders/"

_ENDING = ".json"
_GENERATION = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FolderFile:
    """A file of a folder: its path below it, SHA-256 in hexadecimal and bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """One state of a folder."""

    key: str
    generation: str
    files: tuple[FolderFile, ...]
    # Folders without files, which S3 has no objects for.
    empty_folders: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)

    def name_of(self, file: FolderFile) -> str:
        """Return the name of the object that holds a file."""
        return f"{generation_folder(self.key, self.generation)}{file.path}"

    def to_json(self) -> bytes:
        """Return the manifest as it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes, key: str) -> Self:
        """Return the stored manifest of `key`. Raises Internal where it is damaged or leads out of its folder."""
        try:
            read = json.loads(content)
            files = tuple(FolderFile(str(f["path"]), str(f["sha256"]), int(f["size"])) for f in read["files"])
            made = cls(str(read["key"]), str(read["generation"]), files, tuple(map(str, read["empty_folders"])))
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(key) from error
        paths = [*(file.path for file in files), *made.empty_folders]
        if (
            made.key != key
            or not _GENERATION.fullmatch(made.generation)
            or not all(_SHA256.fullmatch(file.sha256) for file in files)
            or not all(_is_below(path) for path in paths)
        ):
            raise _damaged(key)
        return made


def manifest_name(key: str) -> str:
    """Return the name of a folder's manifest; slashes are written as ~ (no key has a ~)."""
    return f"{MANIFESTS}{key.replace('/', '~')}{_ENDING}"


def key_of_manifest(name: str) -> str:
    """Return the folder's key of a manifest's name."""
    return name.removeprefix(MANIFESTS).removesuffix(_ENDING).replace("~", "/")


def folder_name(key: str) -> str:
    """Return what the names of all of a folder's generations begin with."""
    return f"{FOLDERS}{key.replace('/', '~')}/"


def generation_folder(key: str, generation: str) -> str:
    """Return what the names of a generation's objects begin with."""
    return f"{folder_name(key)}{generation}/"


def _is_below(path: str) -> bool:
    parts = path.split("/")
    return PurePosixPath(path).as_posix() == path and not {"", ".", ".."} & set(parts) and "\0" not in path


def _damaged(key: str) -> Internal:
    return Internal(f"DATA LOSS: the manifest of the folder '{key}' is damaged; store the folder again.", resource=key)
