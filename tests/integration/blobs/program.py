"""What a process of its own does with a blob store, for tests that kill it, measure it, or run many."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fairlead.kit.blobs import BlobStore, S3Options, open_blob_store

MIB = 1024 * 1024


def chunks(megabytes: int) -> Iterator[bytes]:
    """Yield chunks that differ, so that nothing can be kept once for two."""
    for number in range(megabytes):
        yield number.to_bytes(8, "big") * (MIB // 8)


def endless() -> Iterator[bytes]:
    """Yield until killed; say so once parts must have been sent."""
    for number, chunk in enumerate(chunks(10_000)):
        if number == 40:
            print("under way", flush=True)
        if number > 40:
            time.sleep(0.05)
        yield chunk


def peak() -> int:
    """Return the largest memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def die_at_rename(number: int) -> None:
    """End this process by SIGKILL right before it renames or removes for the given time, from 1."""
    left = number

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event in {"os.rename", "shutil.rmtree", "os.remove", "os.rmdir"}:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def act(store: BlobStore, action: str, argument: str) -> None:
    """Do one thing and print what came of it."""
    if action == "stream":
        store.put_bytes(b"warm")  # boto3 is loaded, and what it takes does not count
        before = peak()
        stored = store.put_stream(chunks(int(argument)))
        print(stored.key, stored.size, peak() - before)
    elif action == "endless":
        store.put_stream(endless())
    elif action == "put_folders":
        print("under way", flush=True)
        for folder in itertools.cycle(sorted(Path(argument).iterdir())):
            store.put_folder(folder, "models/m1")
    elif action == "put_folder_until":
        number, path = argument.split(":", 1)
        die_at_rename(int(number))
        store.put_folder(Path(path), "models/m.1")
    elif action == "fetch":
        print(store.fetch(argument))
    elif action == "put_file":
        print(store.put_file(Path(argument)).key)


if __name__ == "__main__":
    url, endpoint, cache, action, argument = sys.argv[1:]
    act(open_blob_store(url, Path(cache), s3=S3Options(endpoint_url=endpoint)), action, argument)
