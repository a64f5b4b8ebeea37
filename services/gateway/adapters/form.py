"""Reading a multipart form with one large file, chunk by chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from fairlead.kit.errors import FieldViolation, InvalidArgument

FIELD_LIMIT_BYTES = 64 * 1024
FILE_FIELD = "file"


def boundary_of(content_type: str) -> str:
    """Return the boundary of a multipart/form-data body; "" for any other. Raises InvalidArgument without one."""
    message = Message()
    message["content-type"] = content_type
    if message.get_content_type() != "multipart/form-data":
        return ""
    boundary = message.get_boundary()
    if not boundary:
        raise InvalidArgument("the form has no boundary; let the HTTP library set the Content-Type header")
    return boundary


class FormReader:
    """Hands out the part called "file" as it comes; fields and file_name are complete once it has been read."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self._chunks = chunks
        self._file: list[bytes] = []
        self._seen_file = False
        self._header = (b"", b"")
        self._disposition = Message()
        self._value = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._add_header(data[start:end], b""),
                "on_header_value": lambda data, start, end: self._add_header(b"", data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._add_data(data[start:end]),
                "on_part_end": self._end_part,
            },
        )

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file in chunks. Raises InvalidArgument for what is no form or holds no file."""
        try:
            async for chunk in self._chunks:
                self._parser.write(chunk)
                waiting, self._file = self._file, []
                for piece in waiting:
                    yield piece
            self._parser.finalize()
        except MultipartParseError as error:
            raise InvalidArgument(f"the body is no multipart form: {error}") from error
        if not self._seen_file:
            raise InvalidArgument(
                "the form holds no file; add a part named 'file' with a file name",
                violations=[FieldViolation(FILE_FIELD, "is missing")],
            )

    def _begin_part(self) -> None:
        self._disposition = Message()
        self._value = b""

    def _add_header(self, name: bytes, value: bytes) -> None:
        self._header = (self._header[0] + name, self._header[1] + value)

    def _end_header(self) -> None:
        name, value = (each.decode("utf-8", errors="replace") for each in self._header)
        self._header = (b"", b"")
        if name.lower() == "content-disposition":
            self._disposition["content-disposition"] = value
            if self._name() == FILE_FIELD:
                self._seen_file = True
                self.file_name = self._disposition.get_filename("")

    def _add_data(self, data: bytes) -> None:
        if self._name() == FILE_FIELD:
            self._file.append(data)
            return
        self._value += data
        if len(self._value) > FIELD_LIMIT_BYTES:
            raise InvalidArgument(f"the form's field '{self._name()}' is over {FIELD_LIMIT_BYTES} bytes")

    def _end_part(self) -> None:
        if self._name() != FILE_FIELD:
            self.fields[self._name()] = self._value.decode("utf-8", errors="replace")

    def _name(self) -> str:
        return str(self._disposition.get_param("name", "", header="content-disposition"))
