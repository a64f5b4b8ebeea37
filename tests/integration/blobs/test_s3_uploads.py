"""How content gets into a bucket: in one call, in parts, or not at all."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fairlead.kit.blobs.s3.cache import BlobCache
from fairlead.kit.blobs.s3.multipart import part_bytes_of_file, part_bytes_of_stream
from fairlead.kit.blobs.s3.objects import Objects
from fairlead.kit.blobs.s3.options import MIB, Place, S3Options
from fairlead.kit.blobs.s3.store import S3BlobStore
from fairlead.kit.errors import Aborted
from tests.integration.blobs.stores import CONTENT, SMALL_PARTS, S3Place, files_of, make_folder

LARGE = random.Random(1).randbytes(12 * MIB + 5)
HUGE = random.Random(2).randbytes(43 * MIB)


def chunked(data: bytes, size: int = MIB) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Recorded:
    """A store whose calls of S3 are written down as they are sent."""

    def __init__(self, place: S3Place, **options: Any) -> None:
        made = S3Options(endpoint_url=place.server.endpoint, sizes=SMALL_PARTS, **options)
        objects = Objects(Place.of(place.url), made)
        self.store = S3BlobStore(objects, BlobCache(place.root / "copies", 100 * MIB))
        self.sent: list[tuple[str, dict[str, str]]] = []
        objects.client.meta.events.register("before-send.s3", self._record)

    def _record(self, request: Any, event_name: str, **_: Any) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        self.sent.append((event_name.rpartition(".")[2], headers))

    @property
    def calls(self) -> list[str]:
        return [call for call, _ in self.sent]

    def forget(self) -> None:
        self.sent.clear()


@pytest.fixture
def recorded(s3_place: S3Place) -> Recorded:
    return Recorded(s3_place)


def test_a_large_stream_comes_in_parts_and_leaves_only_the_blob(s3_place: S3Place, recorded: Recorded) -> None:
    stored = recorded.store.put_stream(chunked(LARGE))
    assert (stored.sha256, stored.size) == (hashlib.sha256(LARGE).hexdigest(), len(LARGE))
    assert recorded.calls.count("UploadPart") == 3
    assert s3_place.files() == [stored.key]
    assert s3_place.uploads() == []
    assert s3_place.open().fetch(stored.key).read_bytes() == LARGE


def test_what_is_too_large_for_one_copy_is_copied_in_parts(s3_place: S3Place, recorded: Recorded) -> None:
    stored = recorded.store.put_stream(chunked(HUGE))
    assert recorded.calls.count("UploadPartCopy") == 9
    assert "CopyObject" not in recorded.calls
    assert s3_place.files() == [stored.key]
    assert s3_place.open().fetch(stored.key).read_bytes() == HUGE


def test_a_file_goes_to_its_place_in_parts_without_a_copy(recorded: Recorded, s3_place: S3Place) -> None:
    path = s3_place.root / "large.bin"
    path.write_bytes(LARGE)
    stored = recorded.store.put_file(path)
    assert sorted(recorded.calls) == [
        "CompleteMultipartUpload", "CreateMultipartUpload", "HeadObject", "UploadPart", "UploadPart", "UploadPart",
    ]  # fmt: skip
    assert s3_place.open().fetch(stored.key).read_bytes() == LARGE
    assert recorded.store.put_stream(chunked(LARGE)) == stored


@pytest.mark.parametrize("data", [CONTENT, LARGE[: 2 * MIB], LARGE], ids=["small", "medium", "large"])
def test_hot_paths_make_one_call(recorded: Recorded, s3_place: S3Place, data: bytes) -> None:
    path = s3_place.root / "file"
    path.write_bytes(data)
    stored = recorded.store.put_file(path)
    recorded.forget()

    assert recorded.store.put_file(path) == stored
    assert len(recorded.calls) == 1, recorded.calls
    recorded.forget()
    assert recorded.store.exists(stored.key)
    assert recorded.calls == ["HeadObject"]
    recorded.forget()
    recorded.store.fetch(stored.key)
    assert set(recorded.calls) == {"GetObject"}
    recorded.forget()
    recorded.store.fetch(stored.key)
    assert recorded.calls == []


def test_a_folder_that_is_here_is_fetched_with_one_call(recorded: Recorded, tmp_path: Path) -> None:
    key = recorded.store.put_folder(make_folder(tmp_path, {"a": "1", "b": "2"}), "models/m1")
    recorded.store.fetch_folder(key)
    recorded.forget()
    recorded.store.fetch_folder(key)
    assert recorded.calls == ["GetObject"]


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({"encryption": "AES256"}, {"x-amz-server-side-encryption": "AES256"}),
        (
            {"encryption": "aws:kms", "kms_key_id": "key-1"},
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
            },
        ),
    ],
)
def test_encryption_is_asked_for_with_everything_that_makes_an_object(
    s3_place: S3Place, tmp_path: Path, options: dict[str, str], headers: dict[str, str]
) -> None:
    recorded = Recorded(s3_place, **options)
    recorded.store.put_bytes(CONTENT)
    recorded.store.put_stream(chunked(LARGE))
    recorded.store.put_stream(chunked(HUGE))
    recorded.store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/m1")
    making = [each for each in recorded.sent if each[0] in {"PutObject", "CreateMultipartUpload", "CopyObject"}]
    assert {call for call, _ in making} == {"PutObject", "CreateMultipartUpload", "CopyObject"}
    for call, sent in making:
        assert headers.items() <= sent.items(), call
        signed = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert set(headers) <= set(signed), call


def test_every_put_and_part_carries_its_sha256(recorded: Recorded) -> None:
    recorded.store.put_bytes(CONTENT)
    recorded.store.put_stream(chunked(LARGE))
    sending = [headers for call, headers in recorded.sent if call in {"PutObject", "UploadPart"}]
    assert len(sending) == 4
    assert all(len(headers["x-amz-checksum-sha256"]) == 44 for headers in sending)


def test_a_stream_that_breaks_aborts_its_upload(s3_place: S3Place) -> None:
    def broken() -> Iterator[bytes]:
        yield from chunked(LARGE)
        raise RuntimeError("the upload broke")

    with pytest.raises(RuntimeError):
        s3_place.open().put_stream(broken())
    assert s3_place.files() == []
    assert s3_place.uploads() == []


def test_a_file_that_changes_while_it_is_stored_is_refused(s3_place: S3Place, recorded: Recorded) -> None:
    path = s3_place.root / "growing.bin"
    path.write_bytes(LARGE)

    def change(**_: Any) -> None:
        with path.open("r+b") as file:
            file.write(b"changed")

    recorded.store.put_bytes(b"")  # makes the client
    recorded.store._objects.client.meta.events.register("before-send.s3.CreateMultipartUpload", change)
    with pytest.raises(Aborted, match=r"growing\.bin was changed"):
        recorded.store.put_file(path)
    assert s3_place.uploads() == []


def test_what_killed_writers_left_is_removed_at_an_opening_after_a_day(s3_place: S3Place, tmp_path: Path) -> None:
    client = s3_place.server.client()
    store = s3_place.open()
    kept = store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/m1")
    prefix, generation = s3_place.prefix, "0" * 32
    for name, body in {
        "incoming/1": b"half",
        "incoming/2.folder": b"models/m1",
        "incoming/3.folder": b"../../elsewhere",
        f"folders/models~m1/{generation}/a": b"of a folder that never came to be",
    }.items():
        client.put_object(Bucket=s3_place.bucket, Key=f"{prefix}/{name}", Body=body)
    client.create_multipart_upload(Bucket=s3_place.bucket, Key=f"{prefix}/incoming/4")
    client.create_multipart_upload(Bucket=s3_place.bucket, Key=f"{prefix}/mlflow/5")
    before = s3_place.files()

    s3_place.open()
    assert s3_place.files() == before, "none is a day old"
    opened = s3_place.open(abandoned_after=timedelta(0))
    assert [name for name in s3_place.files() if "incoming" in name or generation in name] == []
    assert s3_place.uploads() == ["mlflow/5"], "others' uploads are left alone"
    assert files_of(opened.fetch_folder(kept)) == {"a": "1"}


def test_parts_grow_so_that_ten_thousand_hold_all_that_s3_does() -> None:
    assert part_bytes_of_stream(1, 8 * MIB) == 8 * MIB
    assert sum(part_bytes_of_stream(number, 8 * MIB) for number in range(1, 10_001)) > 5 * 1024**4
    assert part_bytes_of_stream(10_000, 8 * MIB) <= 5 * 1024**3
    for size in (1, 10 * MIB, 80_000 * MIB + 1, 5 * 1024**4):
        assert part_bytes_of_file(size, 8 * MIB) * 10_000 >= size
