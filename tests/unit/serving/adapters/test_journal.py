import subprocess
import sys
from pathlib import Path

import pytest

from services.serving.adapters.journal import Journal, JournalFull, read_segment

MEGABYTE = 1024 * 1024


def records(journal: Journal) -> list[bytes]:
    return [record for segment in journal.sealed() for record in read_segment(segment)]


def test_records_are_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    for number in range(3):
        journal.append(b"record %d" % number)
        journal.seal()
    journal.append(b"still open")
    assert records(journal) == [b"record 0", b"record 1", b"record 2"]


def test_sealing_nothing_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    journal.seal()
    assert journal.sealed() == []


def test_the_next_process_finds_what_a_killed_one_appended(tmp_path: Path) -> None:
    write = (
        "import os, signal, sys; from pathlib import Path; from services.serving.adapters.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), max_bytes=1000000)\n"
        "journal.append(b'first'); journal.append(b'second'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", write, str(tmp_path)], check=False).returncode == -9
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    assert records(journal) == [b"first", b"second"]
    journal.append(b"third")
    journal.seal()
    assert records(journal) == [b"first", b"second", b"third"]


def test_a_record_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    journal.append(b"whole")
    journal.append(b"cut short")
    journal.seal()
    (segment,) = journal.sealed()
    segment.write_bytes(segment.read_bytes()[:-3])
    assert list(read_segment(segment)) == [b"whole"]


def test_a_full_journal_refuses_until_something_is_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=100)
    journal.append(b"x" * 60)
    with pytest.raises(JournalFull):
        journal.append(b"y" * 60)
    journal.seal()
    journal.remove(journal.sealed()[0])
    journal.append(b"y" * 60)
    journal.seal()
    assert records(journal) == [b"y" * 60]


def test_a_large_segment_is_sealed_by_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=64 * MEGABYTE)
    journal.append(b"x" * (9 * MEGABYTE))
    assert len(journal.sealed()) == 1


def test_of_segments_set_aside_the_newest_stay_and_no_number_comes_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    for _ in range(7):
        journal.append(b"x")
        journal.seal()
        journal.set_aside(journal.sealed()[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number:012d}.broken" for number in range(3, 8)]
    again = Journal(tmp_path, max_bytes=MEGABYTE)
    again.append(b"y")
    again.seal()
    assert [path.stem for path in again.sealed()] == [f"{8:012d}"]


def test_a_segment_that_could_not_be_sealed_is_sealed_by_the_next_call(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=MEGABYTE)
    in_the_way = tmp_path / f"{1:012d}.sealed"
    in_the_way.mkdir()
    journal.append(b"first")
    with pytest.raises(OSError):
        journal.seal()
    in_the_way.rmdir()
    journal.append(b"second")
    journal.seal()
    assert records(journal) == [b"first", b"second"]
