"""Which format a file has, by its first bytes first and its name second."""

from __future__ import annotations

from pathlib import PurePath

from fairlead.kit.errors import InvalidArgument

GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET_MAGIC = b"PAR1"

# First bytes of files that people upload by mistake, and what they are.
_NOT_TABLES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
)
_KNOWN = "CSV, TSV, JSON, JSON Lines, Excel and Parquet can be read"
_EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def format_of(head: bytes, name: str, *, compressed: bool = False) -> str:
    """Return csv, tsv, json, jsonl, excel or parquet for a file's first bytes (unpacked) and its name.

    Raises InvalidArgument for an empty file and for contents that can't be a table.
    """
    if not head:
        raise InvalidArgument(f"'{name}' is empty: it has no bytes; upload a file with a header and rows")
    ending = _ending(name)
    if head.startswith(_PARQUET_MAGIC):
        return "parquet"
    if head.startswith((_ZIP_MAGIC, _OLE_MAGIC)):
        return _archive(ending, name)
    _refuse_other_files(head, name, ending, compressed)
    stripped = head.removeprefix(_BOMS[0]).lstrip()
    if ending in {".jsonl", ".ndjson"}:
        return "jsonl"
    if stripped.startswith(b"[") and ending != ".csv":
        return "json"
    if stripped.startswith(b"{"):
        return "jsonl"
    return "tsv" if ending in {".tsv", ".tab"} else "csv"


def _ending(name: str) -> str:
    return PurePath(name.lower().removesuffix(".gz")).suffix


def _archive(ending: str, name: str) -> str:
    if ending in _EXCEL_ENDINGS:
        return "excel"
    raise InvalidArgument(
        f"'{name}' is an archive or office file, not a table; unpack it first, or give an Excel file its .xlsx ending"
    )


def _refuse_other_files(head: bytes, name: str, ending: str, compressed: bool) -> None:
    for magic, what in _NOT_TABLES:
        if head.startswith(magic):
            raise InvalidArgument(f"'{name}' is {what}, not a table; {_KNOWN}")
    if ending == ".parquet":
        raise InvalidArgument(f"'{name}' is named Parquet, but does not begin with PAR1; write it again or rename it")
    if ending in _EXCEL_ENDINGS:
        raise InvalidArgument(f"'{name}' is named Excel, but is no workbook inside; save it again from the spreadsheet")
    if not compressed and name.lower().endswith(".gz"):
        raise InvalidArgument(f"'{name}' is named gzip, but does not begin as one; rename it or compress it again")
    lowered = head[:256].lstrip().lower()
    if lowered.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InvalidArgument(f"'{name}' is a web page or XML, not a table; {_KNOWN}")
