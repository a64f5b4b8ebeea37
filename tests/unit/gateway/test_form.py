"""Reading a form with a file, however it is cut into chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fairlead.kit.errors import InvalidArgument
from services.gateway.adapters.form import FormReader, boundary_of

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="dataset_id"\r\n\r\nadult\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a b.csv"\r\nContent-Type: text/csv\r\n\r\n'
    b"age,income\r\n39,x\r\n\r\n"
    b'--B\r\nContent-Disposition: form-data; name="sheet"\r\n\r\nT\xc3\xa4belle\r\n--B--\r\n'
)


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, size: int) -> tuple[bytes, FormReader]:
    async def run() -> tuple[bytes, FormReader]:
        form = FormReader(_chunks(body, size), "B")
        return b"".join([piece async for piece in form.file()]), form

    return asyncio.run(run())


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_file_and_fields_are_read_before_and_behind_each_other(size: int) -> None:
    file, form = read(FORM, size)

    assert file == b"age,income\r\n39,x\r\n"
    assert form.fields == {"dataset_id": "adult", "sheet": "Täbelle"}
    assert form.file_name == "a b.csv"


def test_a_form_without_a_file_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="holds no file"):
        read(b'--B\r\nContent-Disposition: form-data; name="dataset_id"\r\n\r\nadult\r\n--B--\r\n', 64)


def test_what_is_no_form_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no multipart form"):
        read(b"age,income\n", 64)


def test_a_field_of_unreasonable_size_is_refused() -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="sheet"\r\n\r\n' + b"x" * 70_000 + b"\r\n--B--\r\n"
    with pytest.raises(InvalidArgument, match="'sheet' is over"):
        read(body, 4096)


def test_only_a_form_has_a_boundary() -> None:
    assert boundary_of('multipart/form-data; boundary="B"') == "B"
    assert boundary_of("application/octet-stream") == ""
    assert boundary_of("") == ""
    with pytest.raises(InvalidArgument, match="no boundary"):
        boundary_of("multipart/form-data")
