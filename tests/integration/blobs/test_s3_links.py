"""Links: who has one gets or puts that one blob, for its time and with its content only."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fairlead.kit.blobs import Link
from fairlead.kit.blobs.s3.links import disposition
from fairlead.kit.errors import InvalidArgument, NotFound
from tests.integration.blobs.stores import ABSENT, CONTENT, S3Place

SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = f"sha256/{SHA256[:2]}/{SHA256}"
DAYS_7 = 7 * 24 * 3600


def call(link: Link, data: bytes | None = None, **headers: str) -> httpx.Response:
    sent = {**link.headers, **headers}
    if data is not None:
        sent["Content-Length"] = str(len(data))
    return httpx.request(link.method, link.url, content=data, headers=sent)


def test_a_download_link_gives_the_blob_under_a_name(s3_place: S3Place) -> None:
    store = s3_place.open()
    key = store.put_bytes(CONTENT).key
    before = datetime.now(UTC)
    link = store.download_link(key, 60, 'märz "1".csv')
    answer = call(link)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"m?rz _1_.csv\"; filename*=UTF-8''m%C3%A4rz%20_1_.csv"
    )
    assert before + timedelta(seconds=59) <= link.expires <= datetime.now(UTC) + timedelta(seconds=60)
    assert (link.method, dict(link.headers)) == ("GET", {})


def test_a_link_ends(s3_place: S3Place) -> None:
    store = s3_place.open()
    stored = store.put_bytes(CONTENT)
    links = store.download_link(stored.key, 1), store.upload_link(stored.sha256, stored.size, 1)
    time.sleep(2.1)
    assert call(links[0]).status_code == 403
    assert call(links[1], CONTENT).status_code == 403


def test_an_upload_link_takes_the_declared_content_and_nothing_else(s3_place: S3Place) -> None:
    store = s3_place.open()
    link = store.upload_link(SHA256, len(CONTENT), 60)
    refused = {
        "other content": call(link, CONTENT.replace(b"39", b"93")),
        "longer": call(link, CONTENT + b"\n"),
        "shorter": call(link, CONTENT[:-1]),
        "another checksum": call(link, CONTENT, **{"x-amz-checksum-sha256": "A" * 43 + "="}),
        "no checksum": httpx.put(link.url, content=CONTENT),
        "read": httpx.get(link.url),
        "another blob": httpx.put(link.url.replace(SHA256, "0" * 64), content=CONTENT, headers=dict(link.headers)),
    }
    assert {what: answer.status_code in (400, 403) for what, answer in refused.items()} == dict.fromkeys(refused, True)
    assert not store.exists(KEY)
    assert s3_place.files() == []

    assert call(link, CONTENT).status_code == 200
    assert store.fetch(KEY).read_bytes() == CONTENT
    assert store.size(KEY) == len(CONTENT)


def test_an_upload_link_binds_encryption_too(s3_place: S3Place) -> None:
    link = s3_place.open(encryption="aws:kms", kms_key_id="key-1").upload_link(SHA256, len(CONTENT), 60)
    assert link.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert link.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1"
    (signed,) = parse_qs(urlsplit(link.url).query)["X-Amz-SignedHeaders"]
    assert set(signed.split(";")) - {"host"} == {name.lower() for name in link.headers}
    assert httpx.put(link.url, content=CONTENT, headers={"x-amz-checksum-sha256": "A"}).status_code == 403
    assert call(link, CONTENT).status_code == 200


def test_limits_of_links(s3_place: S3Place) -> None:
    store = s3_place.open()
    key = store.put_bytes(CONTENT).key
    for seconds in (0, -1, DAYS_7 + 1):
        with pytest.raises(InvalidArgument, match="7 days"):
            store.download_link(key, seconds)
        with pytest.raises(InvalidArgument, match="7 days"):
            store.upload_link(SHA256, 1, seconds)
    for size in (0, -1, 5 * 1024**3 + 1):
        with pytest.raises(InvalidArgument, match="larger files go through the gateway"):
            store.upload_link(SHA256, size)
    for sha256 in ("", SHA256.upper(), "../" + SHA256[3:], SHA256 + "0"):
        with pytest.raises(InvalidArgument, match="64 hexadecimal digits"):
            store.upload_link(sha256, 1)
    assert store.download_link(key, DAYS_7).expires > datetime.now(UTC) + timedelta(days=6)


def test_there_are_links_to_blobs_that_are_there_only(s3_place: S3Place) -> None:
    with pytest.raises(NotFound):
        s3_place.open().download_link(ABSENT)
    for key in ("models/m1", "../x", f"s3://other/{KEY}", "sha256/../x"):
        with pytest.raises(InvalidArgument):
            s3_place.open().download_link(key)


def test_links_name_the_address_that_people_reach(s3_place: S3Place) -> None:
    link = s3_place.open(public_endpoint_url="https://files.example.org").upload_link(SHA256, 1)
    assert link.url.startswith(f"https://files.example.org/{s3_place.bucket}/team/blobs/sha256/")


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1.csv", 'a"; filename=b', "../../etc/passwd", "a\\b", "\0"])
def test_a_file_name_adds_no_header_and_no_path(name: str, tmp_path: Path) -> None:
    made = disposition(name)
    assert made.isprintable()
    assert made.count('"') == 2
    assert "/" not in made
    assert "\\" not in made
