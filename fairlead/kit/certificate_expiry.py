"""When a certificate ends: the one thing that is asked of it here, for which no library of cryptography is needed.

ITU-T X.690 (DER) and RFC 5280, 4.1: a certificate begins with a sequence of version, serial number, algorithm, issuer
and validity; of these the version alone may be absent.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

_VERSION = 0xA0
_UTC_TIME = 0x17
_FIELDS_BEFORE_VALIDITY = 3
_LONG_LENGTH = 0x80
_END = "-----END CERTIFICATE-----"


def expiry_of(file: Path) -> datetime:
    """Return when the first certificate of a PEM file ends. Raises OSError, and ValueError for what is none."""
    text, end, _ = file.read_text().partition(_END)
    der = ssl.PEM_cert_to_DER_cert(text[text.find("-----BEGIN") :] + end)
    try:
        return _expiry(der)
    except IndexError as error:
        raise ValueError(f"{file} is cut off") from error


def _expiry(der: bytes) -> datetime:
    _, at, _ = _element(der, 0)
    _, at, _ = _element(der, at)
    tag, _, end = _element(der, at)
    if tag == _VERSION:
        at = end
    for _ in range(_FIELDS_BEFORE_VALIDITY):
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)
    _, _, not_before_end = _element(der, at)
    tag, start, end = _element(der, not_before_end)
    return _time(tag, der[start:end].decode("ascii"))


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of the element at a place, where its content begins, and where it ends."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & _LONG_LENGTH:
        count = length & ~_LONG_LENGTH
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    return tag, start, start + length


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        # Two digits of the year: those from 50 on are of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
