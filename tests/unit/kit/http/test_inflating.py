"""Compressed bodies become what they were, as far as that is wanted."""

from __future__ import annotations

import gzip
import zlib

import pytest

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.http.inflating import inflate

BODY = b'{"rows": []}' * 100
GZIPPED = gzip.compress(BODY, mtime=0)
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BARE_BODY = BARE.compress(BODY) + BARE.flush()


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", GZIPPED), ("deflate", zlib.compress(BODY)), ("deflate", BARE_BODY)]
)
def test_a_body_is_read_by_its_encoding(encoding: str, body: bytes) -> None:
    assert inflate(body, encoding, most=10_000) == BODY


def test_gzip_may_have_several_members() -> None:
    assert inflate(GZIPPED + GZIPPED, "gzip", most=10_000) == BODY * 2
    assert inflate(GZIPPED + GZIPPED, "gzip", most=1500) == (BODY * 2)[:1500]


@pytest.mark.parametrize(("encoding", "body"), [("gzip", GZIPPED + b"{}"), ("deflate", zlib.compress(BODY) + b"{}")])
def test_what_follows_and_is_not_compressed_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidArgument, match=f"not valid {encoding} data"):
        inflate(body, encoding, most=10_000)


def test_no_more_is_inflated_than_is_wanted() -> None:
    assert inflate(gzip.compress(b" " * 10_000_000), "gzip", most=100) == b" " * 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("body", [b"", BODY, GZIPPED[:-9], zlib.compress(BODY)[:-9]])
def test_what_is_broken_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidArgument, match=f"not valid {encoding} data"):
        inflate(body, encoding, most=10_000)
