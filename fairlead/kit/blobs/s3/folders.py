"""Folders in S3: the files of one generation, and a manifest that says which generation counts."""

from __future__ import annotations

import hashlib
import stat
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from fairlead.kit.errors import Aborted, Internal, InvalidArgument, NotFound, Unimplemented

from ..keys import beginning_below
from .cache import BlobCache
from .downloads import download
from .errors import was_repeated
from .manifest import MANIFESTS, FolderFile, Manifest, generation_folder, key_of_manifest, manifest_name
from .objects import Objects
from .uploads import INCOMING, hash_file, put_hashed_file

# Says that generations of a folder are being made or removed; its content is the folder's key.
MARKER_ENDING = ".folder"
PARALLEL_FILES = 4


class Folders:
    """The folders of a store. A folder is there once its manifest is, and it changes with its manifest, in one call."""

    def __init__(self, objects: Objects, cache: BlobCache) -> None:
        self._objects = objects
        self._cache = cache

    def put(self, folder: Path, key: str) -> str:
        """Store a folder under `key`; what it replaces is removed after. See BlobStore.put_folder."""
        if not folder.is_dir():
            raise NotFound(f"The folder {folder} to store is not there.")
        paths, empty = _content_of(folder)
        generation = uuid.uuid4().hex
        with self._marked(key):
            try:
                files = self._upload(folder, paths, generation_folder(key, generation))
            except BaseException:
                self._objects.discard(f"{generation_folder(key, generation)}{path}" for path in paths)
                raise
            # Once it is asked for, the switch may have happened whatever is heard of it: the files stay, and where the
            # manifest does not name them they go with the marker, a day later.
            replaced = self._switch(Manifest(key, generation, files, tuple(empty)))
            if replaced is not None:
                self._objects.delete(replaced.name_of(file) for file in replaced.files)
        return key

    def fetch(self, key: str) -> Path:
        """Return the path of a copy of the folder as it is now. See BlobStore.fetch_folder."""
        manifest = self.manifest(key)
        while True:
            try:
                return self._cache.get(_copy_name(manifest), partial(self._download, manifest))
            except NotFound as error:
                # Replaced meanwhile, and its files removed.
                following = self.manifest(key)
                if following.generation == manifest.generation:
                    raise Internal(
                        f"DATA LOSS: the folder '{key}' lacks a file that its manifest lists ({error.resource}); store "
                        "it again, or restore it from a backup.",
                        resource=key,
                    ) from error
                manifest = following

    def manifest(self, key: str) -> Manifest:
        """Return the folder's manifest. Raises NotFound."""
        return self._seen(key)[0]

    def exists(self, key: str) -> bool:
        """Return whether there is such a folder."""
        return self._objects.size(manifest_name(key)) is not None

    def delete(self, key: str) -> None:
        """Remove the folder. Raises NotFound."""
        manifest = self.manifest(key)
        with self._marked(key):
            self._objects.delete([manifest_name(key)])
            self._objects.delete(manifest.name_of(file) for file in manifest.files)
        self._cache.remove(_copy_name(manifest))

    def keys(self, under: str = "") -> Iterator[str]:
        """Yield the keys of all folders, or of those below one key, in order."""
        for found in self._objects.list(f"{MANIFESTS}{beginning_below(under)}"):
            yield key_of_manifest(found.name)

    def _upload(self, folder: Path, paths: list[str], target: str) -> tuple[FolderFile, ...]:
        def put(path: str) -> FolderFile:
            hashed = hash_file(folder / path, self._objects.options.sizes.part)
            put_hashed_file(self._objects, folder / path, f"{target}{path}", hashed)
            return FolderFile(path, hashed.sha256, hashed.size)

        with ThreadPoolExecutor(PARALLEL_FILES) as pool:
            try:
                return tuple(pool.map(put, paths))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _download(self, manifest: Manifest, draft: Path) -> None:
        draft.mkdir()
        for path in manifest.empty_folders:
            (draft / path).mkdir(parents=True, exist_ok=True)

        def fetch(file: FolderFile) -> None:
            target = draft / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            download(self._objects, manifest.name_of(file), target, file.sha256)

        with ThreadPoolExecutor(PARALLEL_FILES) as pool:
            for _ in pool.map(fetch, manifest.files):
                pass

    def _seen(self, key: str) -> tuple[Manifest, str]:
        """Return the manifest and its etag. Raises NotFound with the folder's key."""
        try:
            answer = self._objects.get(manifest_name(key))
        except NotFound as error:
            raise NotFound(f"The blob store has nothing under '{key}'.", resource=key) from error
        with answer["Body"] as body:
            return Manifest.from_json(body.read(), key), str(answer["ETag"])

    def _switch(self, manifest: Manifest) -> Manifest | None:
        """Make this the folder's manifest and return the one it replaces.

        Of several writers each replaces exactly one other's, so that each generation is removed by its successor.
        """
        content = manifest.to_json()
        name, digest = manifest_name(manifest.key), hashlib.sha256(content).digest()
        before, in_doubt = "", False
        replaced: Manifest | None = None
        while True:
            seen, etag = self._seen_or_none(manifest.key)
            if seen is not None and seen.generation == manifest.generation:
                return replaced  # the switch was made, and only the answer was lost
            now = "" if seen is None else seen.generation
            if in_doubt and now != before:
                # Someone may have replaced this very generation, whose files are gone then: it must not come back.
                raise Aborted(f"Someone else changed '{manifest.key}' in the blob store; try again.")
            replaced, before = seen, now
            try:
                self._objects.put(name, content, digest, **({"IfMatch": etag} if seen else {"IfNoneMatch": "*"}))
            except (Aborted, NotFound) as error:
                in_doubt = in_doubt or was_repeated(error)
                continue
            except Unimplemented:
                self._objects.put(name, content, digest)
            return replaced

    def _seen_or_none(self, key: str) -> tuple[Manifest | None, str]:
        try:
            return self._seen(key)
        except NotFound:
            return None, ""

    @contextmanager
    def _marked(self, key: str) -> Iterator[None]:
        """Leave a mark while generations come and go: what a killed process leaves is found by it a day later."""
        marker, content = f"{INCOMING}{uuid.uuid4().hex}{MARKER_ENDING}", key.encode()
        self._objects.put(marker, content, hashlib.sha256(content).digest())
        yield
        self._objects.delete([marker])


def _copy_name(manifest: Manifest) -> str:
    return f"folders/{manifest.key.replace('/', '~')}@{manifest.generation}"


def _content_of(folder: Path) -> tuple[list[str], list[str]]:
    """Return the paths of all files below a folder, and of the folders without any content, in order."""
    files: list[str] = []
    empty: list[str] = []
    for entry in sorted(folder.rglob("*")):
        mode, path = entry.lstat().st_mode, entry.relative_to(folder).as_posix()
        if stat.S_ISREG(mode):
            files.append(path)
        elif not stat.S_ISDIR(mode):
            raise InvalidArgument(f"{entry} is neither a file nor a folder; remove it before storing its folder.")
        elif not any(entry.iterdir()):
            empty.append(path)
    return files, empty
