from __future__ import annotations

import time

import pytest

from fairlead.kit.quotes import CELL_BYTES, CELL_LINES, read_quotes


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        (b'1,"a"\n2,b\n', []),
        (b'1,"a""b"\n', []),
        (b'1,"a\nb"\r\n2,""\r\n', []),
        (b'1,5" disk\n', []),
        (b'1,"a\n2,b\n', [b'1,"a\n']),
        (b'1,"a\n2,"b\n3,c\n', [b'1,"a\n', b'2,"b\n']),
        (b'1,"a"b\n2,c\n', [b'1,"a"b\n']),
        (b'1,"a" \n', [b'1,"a" \n']),
        (b'"x\ny","a\n2,b\n', [b'"x\ny","a\n']),
        (b'1,a\n2,"b', [b'2,"b']),
        (b'"""\n1\n', [b'"""\n']),
        (b'1,"' + b"\n" * CELL_LINES + b'"\n', []),
        (b'1,"' + b"\n" * (CELL_LINES + 1) + b'x"\n2\n', [b'1,"\n']),
        (b'1,"\n' + b"x" * CELL_BYTES + b'"\n', [b'1,"\n']),
        (b'1,"' + b"x" * CELL_BYTES + b'"\n', []),
    ],
)
def test_a_stray_quote_is_its_lines_alone(text: bytes, stray: list[bytes]) -> None:
    read = read_quotes(text, ",", is_all=True)

    assert [text[start:end] for start, end in read.stray] == stray
    assert read.end == len(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (b'1\n2,"a\nb', b'2,"a\nb'),
        (b'1\n2,"a\nb"', b'2,"a\nb"'),
        (b'1\n2,"a\nb"\n3', b"3"),
        (b'1\n2,"a\nb"c\nd', b"d"),
        (b'1\n2,"a"b', b'2,"a"b'),
        (b'1,"' + b"\n" * (CELL_LINES + 1), b""),
    ],
)
def test_what_more_text_may_close_is_left(text: bytes, rest: bytes) -> None:
    assert text[read_quotes(text, ",", is_all=False).end :] == rest


@pytest.mark.parametrize("line", [b'1,"a\n', b'"""\n', b'"",""\n', b'1,"a"b\n', b'""""\n'])
def test_many_quotes_take_no_time_to_speak_of(line: bytes) -> None:
    begun = time.process_time()
    read_quotes(b'"' + line * 200_000, ",", is_all=True)
    assert time.process_time() - begun < 10
