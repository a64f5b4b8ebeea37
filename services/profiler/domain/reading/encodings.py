"""Which encoding text bytes have. UTF-8 is tried before this is asked."""

from __future__ import annotations

import codecs
import warnings

# Byte order marks, the longer first: UTF-32 little-endian begins like UTF-16 little-endian.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# What files are found in, beside UTF-8; each is a superset where there are several (cp1252 of latin-1).
_CANDIDATES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r",
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "mac_roman",
)  # fmt: skip
# The five bytes that Windows-1252 leaves undefined: text that holds one is latin-1.
_UNDEFINED_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


def byte_order_mark(head: bytes) -> tuple[str, int]:
    """Return the encoding that a byte order mark names and its length, or ("", 0)."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return "", 0


def is_utf16_without_mark(head: bytes) -> str:
    """Return the UTF-16 form of bytes in which every other byte is nearly always zero, or ""."""
    sample = head[: len(head) // 2 * 2]
    if len(sample) < 8:
        return ""
    half = len(sample) // 2
    if sample[1::2].count(0) > 0.7 * half and sample[0::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    return ""


def guess_encoding(sample: bytes) -> str:
    """Return the likeliest encoding of text that is not UTF-8, as a Python codec name.

    Windows-1252 is chosen over latin-1 unless a byte rules it out: they differ only in bytes 80 to 9F, where
    latin-1 has control characters that no table holds. Few foreign letters tell little, so then it is Windows-1252 too.
    """
    foreign = sum(byte >= 0x80 for byte in sample)
    western = "latin-1" if _UNDEFINED_1252 & set(sample) else "cp1252"
    if foreign < 20 or foreign < 0.002 * len(sample):
        return western
    from charset_normalizer import from_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matches = from_bytes(sample, cp_isolation=list(_CANDIDATES))
    best = matches.best()
    if best is None or best.encoding in {"mac_roman", "latin_1"}:
        return western
    # Code pages of Latin letters share most of them: where the western one reads as well, it is the likelier.
    as_good = any(
        match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence
        for match in matches
    )
    same = sample.decode(best.encoding, errors="replace") == sample.decode(western, errors="replace")
    return western if as_good or same else best.encoding
