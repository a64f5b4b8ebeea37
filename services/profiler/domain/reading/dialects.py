"""How a delimited text is written: the delimiter, the quote, where the table begins."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fairlead.kit.errors import InvalidArgument

from .headers import is_value, read_header
from .model import Dialect
from .names import stable_names

DELIMITERS = (",", ";", "\t", "|")
WORDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Records looked at; a sample holds far more than a dialect needs.
_RECORDS = 500
# Title lines above the header that are skipped at most.
_TITLES = 10
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")
_MAX_FIELD = 4_000_000


@dataclass(frozen=True)
class _Reading:
    delimiter: str
    records: tuple[tuple[str, ...], ...]
    # The commonest number of fields and the share of records that have it.
    width: int
    share: float

    @property
    def score(self) -> float:
        header = self.records[0] if self.records else ()
        return self.share + 0.2 * (len(header) == self.width) + 0.005 * min(self.width, 20)


def sniff(text: str, *, whole: bool, tabs: bool = False) -> Dialect:
    """Return how the text at the start of a file is written.

    whole tells that the text is the whole file; tabs that the file's name says tab-separated.
    Raises InvalidArgument, with the reason, for text in which no table can be found.
    """
    if not text.strip():
        raise InvalidArgument("the file holds nothing but white space; upload a file with a header and rows")
    quote = _quote_of(text)
    escape = _escape_of(text, quote)
    lines = list(io.StringIO(text, newline=""))
    if not whole and len(lines) > 1:
        lines = lines[:-1]
    junk = _junk_of(lines)
    if junk:
        lines = [_without_junk(line, junk) for line in lines]
    readings = [_read(lines, delimiter, quote, escape, whole) for delimiter in DELIMITERS]
    split = [reading for reading in readings if reading.width > 1]
    best = max(split, key=lambda reading: reading.score + 0.3 * (tabs and reading.delimiter == "\t"), default=None)
    if best is None or best.share < 0.5:
        best = _single_column(readings, quote)
    found = dialect_of(best.records, best.delimiter, quote, escape)
    if not junk:
        return found
    return replace(found, junk=junk, notes=(*found.notes, f"Stray '{junk}' characters at line ends were taken out."))


def _quote_of(text: str) -> str:
    if '"' in text:
        return '"'
    singles = len(re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|]|\r?$)", text, re.MULTILINE))
    return "'" if singles > max(2, text.count("\n") // 2) else '"'


def _escape_of(text: str, quote: str) -> str:
    """Return the backslash where quotes inside quoted fields are written \\" and never doubled."""
    doubled = re.search(rf"[^,;\t|\r\n]{quote}{quote}[^,;\t|\r\n]", text)
    return "\\" if f"\\{quote}" in text and not doubled else quote


def _junk_of(lines: Sequence[str]) -> str:
    """Return "," where a semicolon-separated text has lines that end in commas, as a spreadsheet leaves them."""
    first = lines[0].rstrip("\r\n")
    if first.count(";") < 2 or '"' in first:
        return ""
    return "," if any(re.search(r"(^|[;,]|\w),+$", line.rstrip("\r\n")) and '"' not in line for line in lines) else ""


def _without_junk(line: str, junk: str) -> str:
    if '"' in line:
        return line
    body = line.rstrip("\r\n")
    return body.rstrip(junk) + line[len(body) :]


def _read(lines: Sequence[str], delimiter: str, quote: str, escape: str, whole: bool) -> _Reading:
    csv.field_size_limit(_MAX_FIELD)
    doubled = escape == quote
    reader = csv.reader(
        lines, delimiter=delimiter, quotechar=quote, doublequote=doubled, escapechar=None if doubled else escape
    )
    records: list[tuple[str, ...]] = []
    try:
        for record in reader:
            records.append(tuple(record))
            if len(records) > _RECORDS:
                break
    except csv.Error:
        # An unreadable record ends the sample; the full read names its line.
        records = records[:-1]
    if not whole and len(records) > 2 and len(records) <= _RECORDS:
        records = records[:-1]
    filled = [record for record in records if record]
    if not filled:
        return _Reading(delimiter, (), 0, 0.0)
    width, count = Counter(map(len, filled)).most_common(1)[0]
    return _Reading(delimiter, tuple(records), width, count / len(filled))


def _single_column(readings: Sequence[_Reading], quote: str) -> _Reading:
    """Return the reading as one column, where that is what the file is; else refuse it with the reason."""
    split = max(readings, key=lambda reading: len(reading.records[0]) if reading.records else 0)
    header = split.records[0] if split.records else ()
    rows = [record for record in split.records[1:] if record]
    if len(header) > 1 and rows and sum(len(row) == 1 and split.delimiter in row[0] for row in rows) > 0.8 * len(rows):
        inside = rows[0][0].count(split.delimiter) + 1
        raise InvalidArgument(
            f"line 2: the whole row is one quoted field, so there would be 1 column; the field itself holds {inside} "
            f"values separated by a {WORDS[split.delimiter]}, as the {len(header)} names in line 1; whoever wrote "
            f"it quoted whole lines: write it again without quotes ({quote}) around each row"
        )
    divided = max(sum(len(record) > 1 for record in reading.records) for reading in readings)
    records = max((reading.records for reading in readings), key=len)
    if divided > 0.1 * len(records):
        raise InvalidArgument(
            "no delimiter splits the lines into the same number of fields (comma, semicolon, tab and bar were tried): "
            f"line 1 begins '{(records[0] or ('',))[0][:60]}'; is this a table? Save it as CSV with one header line"
        )
    return next(reading for reading in readings if reading.delimiter == ",")


def dialect_of(records: Sequence[tuple[str, ...]], delimiter: str, quote: str = '"', escape: str = '"') -> Dialect:
    """Return the dialect of records that are split already: titles, header, names and decimal mark.

    Raises InvalidArgument for a header without rows, or one whose width does not fit the rows.
    """
    width = Counter(len(record) for record in records if record).most_common(1)[0][0]
    titles = _title_records(records, width)
    body = records[titles:]
    filled = [record for record in body if record]
    header = read_header(filled, width)
    blanks = next((i for i, record in enumerate(body) if record), 0)
    skip = titles + blanks + header.records if header.records else titles
    names, notes = stable_names(header.names)
    decimal = _decimal_of(filled[header.records :], delimiter)
    said = [*header.notes, *notes]
    if titles:
        said.insert(
            0, f"{titles} lines above the header were skipped, the first: '{' '.join(records[0]).strip()[:80]}'."
        )
    return Dialect(delimiter, quote, escape, skip, len(names), names, decimal, header.records > 0, "", tuple(said))


def _title_records(records: Sequence[tuple[str, ...]], width: int) -> int:
    """Count the title lines above the header: those too short, or sparsely filled above a well filled line of texts."""
    if width < 3:
        return 0
    for position, record in enumerate(records[: min(_TITLES, len(records) - 1)]):
        following = records[position + 1]
        filled, next_filled = _filled(record), _filled(following)
        short = len(record) < width - 1 and filled <= 2
        banner = filled * 3 <= width and next_filled > 2 * filled and not any(map(is_value, following))
        if not short and not banner:
            return position
    return 0


def _filled(record: tuple[str, ...]) -> int:
    return sum(bool(field.strip()) for field in record)


def _decimal_of(records: Sequence[tuple[str, ...]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(field.strip())) for record in records for field in record)
    points = sum(bool(_DECIMAL_POINT.fullmatch(field.strip())) for record in records for field in record)
    return "," if commas > points else "."
