"""The header of a delimited file: its columns, and how the rest is read."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fairlead.kit.errors import InvalidArgument

from ...domain.batch_prediction.delimited import delimiter_of, end_of_first_record, ends_in_quotes, names_of
from .text_blocks import SAMPLE_BYTES, beginning_of

_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BLANK_LINES = re.compile(rb"(?: *\r?\n)*")
_SHOWN = 60


@dataclass(frozen=True)
class Header:
    """The names of the columns, what delimits them, how text is spelled and lines end, and where the rows begin."""

    names: tuple[str, ...]
    delimiter: str
    encoding: str
    line_end: bytes
    end: int
    lines: int
    """How many lines it goes over; more than one where a name in quotes has line breaks."""


def read_header(path: Path, wanted: Collection[str]) -> Header:
    """Return the header; it is delimited by what finds most of the wanted columns.

    Blank lines before it are passed over. Lines may end with carriage returns alone. Raises InvalidArgument where there
    is none, or it can't be read.
    """
    sample, is_all = beginning_of(path, _has_line)
    if not is_all and not _has_line(sample):
        raise InvalidArgument(
            f"the first line does not end within {len(sample):,} bytes; send a file with a header line and rows"
        )
    encoding = _encoding_of(sample)
    line_end = b"\r" if b"\r" in sample and b"\n" not in sample else b"\n"
    if line_end == b"\r":
        sample = sample.replace(b"\r", b"\n")
    mark = len(_MARK) if sample.startswith(_MARK) else 0
    blank = _BLANK_LINES.match(sample, mark)
    start = blank.end() if blank else mark
    # In quotes or not, no header's names need more than the line to tell what delimits them.
    line = sample[start:].split(b"\n", 1)[0].decode(encoding, "replace")
    try:
        delimiter = delimiter_of(line.strip("\r"), wanted)
        end = start + end_of_first_record(sample[start:], delimiter)
        header = sample[start:end]
        _require_end(header, delimiter, encoding)
        names = names_of(header.decode(encoding, "replace").strip("\r\n"), delimiter)
    except csv.Error as error:
        raise InvalidArgument(
            f"the header can't be read ({error}); it begins {line[:_SHOWN]!r}. Name each column once, in one line "
            "that ends like all others, and send the file again"
        ) from error
    if not names:
        raise InvalidArgument("the file is empty; send one with a header line and rows")
    return Header(names, delimiter, encoding, line_end, end, header.strip(b"\r\n").count(b"\n") + 1)


def _has_line(text: bytes) -> bool:
    return b"\n" in text or b"\r" in text


def _require_end(header: bytes, delimiter: str, encoding: str) -> None:
    if ends_in_quotes(header, delimiter):
        text = header.decode(encoding, "replace")
        raise InvalidArgument(
            f"the header has a quote that is not closed; it begins {text[:_SHOWN]!r}. "
            "Close the quote or remove it, and send the file again"
        )


def _encoding_of(sample: bytes) -> str:
    if sample.startswith(_WIDE_MARKS):
        raise InvalidArgument("the file is UTF-16; save it as UTF-8 and send it again")
    try:
        # The sample may end within a letter.
        sample[: len(sample) - 4 if len(sample) >= SAMPLE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 8 or len(sample) < SAMPLE_BYTES:
            return "cp1252"
    return "utf-8"
