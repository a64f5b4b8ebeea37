"""Turns an upload into clean UTF-8 text on disk, in a stream: unpacked, decoded, without byte order mark."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.encodings import byte_order_mark, guess_encoding, is_utf16_without_mark
from ...domain.reading.formats import GZIP_MAGIC

CHUNK = 1 << 20
# Foreign text that is shown to the encoding detector.
_FOREIGN_SAMPLE = 256 * 1024


@dataclass(frozen=True)
class SpooledText:
    """Clean UTF-8 text on disk."""

    path: Path
    encoding: str
    size: int
    notes: tuple[str, ...]


@dataclass
class _Facts:
    utf8: bool = True
    size: int = 0
    zeros: int = 0
    returns: int = 0
    feeds: int = 0
    pairs: int = 0
    foreign: bytes = b""

    @property
    def mixed_line_ends(self) -> bool:
        return self.pairs not in (0, self.feeds) or self.returns > self.pairs


def unpack(path: Path, name: str, folder: Path) -> tuple[Path, bool]:
    """Return the file itself, or a gzip's contents written into the folder, and whether it was packed.

    Raises InvalidArgument for a gzip that is cut off or damaged.
    """
    with path.open("rb") as source:
        if source.read(2) != GZIP_MAGIC:
            return path, False
    target = folder / "unpacked"
    written = 0
    try:
        with gzip.open(path) as source, target.open("wb") as sink:
            while chunk := source.read(CHUNK):
                sink.write(chunk)
                written += len(chunk)
    except EOFError as error:
        raise InvalidArgument(
            f"'{name}' is a gzip that is cut off after {written:,} unpacked bytes; upload the whole file again"
        ) from error
    except (OSError, zlib.error) as error:
        raise InvalidArgument(f"'{name}' is a damaged gzip ({error}); compress and upload it again") from error
    return target, True


def spool_text(path: Path, name: str, folder: Path) -> SpooledText:
    """Return clean UTF-8 text with one kind of line end; the file itself where it is that already.

    Raises InvalidArgument for bytes that are no text.
    """
    with path.open("rb") as source:
        head = source.read(4096)
    encoding, mark = byte_order_mark(head)
    encoding = encoding or is_utf16_without_mark(head)
    facts = _scan(path)
    if not encoding.startswith("utf-") or encoding == "utf-8":
        if facts.zeros:
            raise InvalidArgument(
                f"'{name}' is not text: it holds {facts.zeros:,} zero bytes; upload a text table, Excel or Parquet"
            )
        encoding = "utf-8" if facts.utf8 else guess_encoding(facts.foreign)
    notes = []
    if encoding != "utf-8":
        notes.append(f"The text was converted from {encoding} to UTF-8.")
    if facts.mixed_line_ends:
        notes.append("Line ends of several kinds were made one.")
    if encoding == "utf-8" and not mark and not facts.mixed_line_ends:
        return SpooledText(path, encoding, facts.size, ())
    target = folder / "spooled"
    size = _rewrite(path, target, encoding, mark, name, one_line_end=facts.mixed_line_ends)
    return SpooledText(target, encoding, size, tuple(notes))


def _scan(path: Path) -> _Facts:
    facts = _Facts()
    decoder = codecs.getincrementaldecoder("utf-8")()
    last = b""
    for chunk in _chunks(path):
        facts.size += len(chunk)
        facts.zeros += chunk.count(0)
        facts.returns += chunk.count(b"\r")
        facts.feeds += chunk.count(b"\n")
        facts.pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
        last = chunk[-1:]
        if facts.utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                facts.utf8 = False
        if not chunk.isascii() and len(facts.foreign) < _FOREIGN_SAMPLE:
            facts.foreign += b"\n".join(line for line in chunk.split(b"\n") if not line.isascii())[:_FOREIGN_SAMPLE]
    if facts.utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            facts.utf8 = False
    return facts


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _rewrite(path: Path, target: Path, encoding: str, mark: int, name: str, *, one_line_end: bool) -> int:
    decoder = codecs.getincrementaldecoder(encoding)()
    size = 0
    with path.open("rb") as source, target.open("wb") as sink:
        source.seek(mark)
        held = ""
        try:
            while True:
                chunk = source.read(CHUNK)
                text = held + decoder.decode(chunk, final=not chunk)
                # A carriage return at a chunk's end may be half of a line end.
                held = "\r" if one_line_end and chunk and text.endswith("\r") else ""
                text = text[:-1] if held else text
                if one_line_end:
                    text = text.replace("\r\n", "\n").replace("\r", "\n")
                size += sink.write(text.encode("utf-8"))
                if not chunk:
                    return size
        except UnicodeDecodeError as error:
            near = max(0, source.tell() - CHUNK) + error.start
            raise InvalidArgument(
                f"'{name}' is no valid {encoding} text near byte {near:,}; save it as UTF-8"
            ) from error


def strip_junk(path: Path, folder: Path, junk: str) -> tuple[Path, int]:
    """Return a copy without the junk at line ends and how many lines had it; lines with quotes stay as they are."""
    target = folder / "stripped"
    stripped = 0
    unwanted = junk.encode()
    with path.open("rb") as source, target.open("wb") as sink:
        for line in source:
            body = line.rstrip(b"\r\n")
            if body.endswith(unwanted) and b'"' not in body:
                stripped += 1
                line = body.rstrip(unwanted) + line[len(body) :]
            sink.write(line)
    return target, stripped
