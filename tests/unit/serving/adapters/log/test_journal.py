import subprocess
import sys
from pathlib import Path

import pytest

from services.serving.adapters.log.frames import Contents, Mark, frame, read
from services.serving.adapters.log.journal import Journal, JournalFull, Segment
from services.serving.domain.losses import Span, Tally, rows_of

MEGABYTE = 1024 * 1024
A, B = "projects/p/deployments/a", "projects/p/deployments/b"


def describe(body: bytes) -> Mark:
    """Records of these tests that have no mark are one row each, unless they are odd."""
    if body.startswith(b"odd"):
        raise ValueError("this is no record")
    return Mark(A, 1, 0)


def open_journal(folder: Path, max_bytes: int) -> Journal:
    return Journal(folder, max_bytes=max_bytes, describe=describe)


def keep(journal: Journal, body: bytes, rows: int = 1, deployment: str = A, time_ns: int = 0) -> None:
    journal.append(body, Mark(deployment, rows, time_ns))


def oldest(journal: Journal) -> Segment:
    segment = journal.claim()
    assert segment is not None
    return segment


def sealed(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sealed"))


def contents(folder: Path) -> list[Contents]:
    return [read(segment.read_bytes()) for segment in sealed(folder)]


def records(folder: Path) -> list[bytes]:
    return [record.body for each in contents(folder) for record in each.records]


def test_records_are_read_back_in_order(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    for number in range(3):
        keep(journal, b"record %d" % number)
        journal.seal()
    keep(journal, b"still open")
    assert records(tmp_path) == [b"record 0", b"record 1", b"record 2"]


def test_it_tells_how_many_deployments_have_records_in_the_segment_being_written(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    assert journal.gathering() == 0
    for deployment in (A, B, A):
        keep(journal, b"record", deployment=deployment)
    assert journal.gathering() == 2
    journal.seal()
    assert journal.gathering() == 0


def test_sealing_nothing_leaves_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    journal.seal()
    assert sealed(tmp_path) == []


def test_the_next_process_finds_what_a_killed_one_appended(tmp_path: Path) -> None:
    write = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.unit.serving.adapters.log.test_journal import keep, open_journal\n"
        "journal = open_journal(Path(sys.argv[1]), 1000000)\n"
        "keep(journal, b'first'); keep(journal, b'second'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", write, str(tmp_path)], check=False).returncode == -9
    journal = open_journal(tmp_path, MEGABYTE)
    assert records(tmp_path) == [b"first", b"second"]
    keep(journal, b"third")
    journal.seal()
    assert records(tmp_path) == [b"first", b"second", b"third"]


def test_a_record_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    keep(journal, b"whole")
    keep(journal, b"cut short")
    journal.seal()
    (segment,) = sealed(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-3])
    (found,) = contents(tmp_path)
    assert [record.body for record in found.records] == [b"whole"]
    assert found.damaged_rows == 0


def test_damage_costs_what_it_hits_alone_and_is_counted(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    for number, rows in enumerate([1, 20, 300, 4000]):
        keep(journal, b"record %d" % number, rows)
    journal.seal()
    (segment,) = sealed(tmp_path)
    whole = segment.read_bytes()
    frame_size = len(whole) // 4
    for place, lost in ((0, 1), (1, 20), (2, 300), (3, 4000)):
        for offset in range(place * frame_size, (place + 1) * frame_size):
            damaged = bytearray(whole)
            damaged[offset] ^= 0x55
            segment.write_bytes(damaged)
            found, _ = journal.read(oldest(journal))
            assert [record.body for record in found.records] == [
                b"record %d" % number for number in range(4) if number != place
            ]
            assert found.damaged_rows == lost


def test_a_next_process_counts_damage_between_whole_records_exactly(tmp_path: Path) -> None:
    frames, before = [], 0
    for rows in (1, 20, 300):
        frames.append(frame(b"record", Mark(A, rows, 0), before))
        before += rows
    data = frames[0] + frames[1][:9] + b"?" + frames[1][10:] + frames[2]
    assert read(data).damaged_rows == 20
    assert read(frames[0] + data[len(frames[0]) + 30 :]).damaged_rows == 20


def test_a_segment_of_the_first_format_is_read_and_what_is_no_record_counted(tmp_path: Path) -> None:
    first_format = b"".join(len(body).to_bytes(4, "little") + body for body in (b"one", b"odd", b"two"))
    (tmp_path / "000000000003.open").write_bytes(first_format + b"\x09\x00\x00\x00cut")
    journal = open_journal(tmp_path, MEGABYTE)
    found, identity = journal.read(oldest(journal))
    assert [(record.body, record.mark) for record in found.records] == [
        (b"one", Mark(A, 1, 0)),
        (b"two", Mark(A, 1, 0)),
    ]
    assert found.damaged_rows == 1
    assert identity == journal.read(oldest(journal))[1]


def test_a_full_journal_refuses_until_something_is_removed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, 200)
    keep(journal, b"x" * 90)
    with pytest.raises(JournalFull):
        keep(journal, b"y" * 90)
    journal.seal()
    journal.remove(oldest(journal))
    keep(journal, b"y" * 90)
    journal.seal()
    assert records(tmp_path) == [b"y" * 90]


def test_a_full_journal_gives_up_its_oldest_segments_but_not_the_claimed_one(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    given_up: list[Tally] = []
    for number in range(200):
        journal.append(b"%d" % number + b" " * 20_000, Mark(A if number % 2 else B, 3, 1000 + number), given_up.append)
        journal.claim()
    journal.seal()
    kept = [int(body.split()[0]) for body in records(tmp_path)]
    claimed = [int(record.body.split()[0]) for record in journal.read(oldest(journal))[0].records]
    assert claimed == list(range(len(claimed))) == kept[: len(claimed)]
    dropped = sorted(set(range(200)) - set(kept))
    assert dropped == list(range(len(claimed), len(claimed) + len(dropped)))
    assert sum(rows_of(tally) for tally in given_up) == 3 * len(dropped)
    spans = [tally[A] for tally in given_up]
    assert min(span.first_ns for span in spans) >= 1000 + dropped[0]
    assert max(span.last_ns for span in spans) <= 1000 + dropped[-1]
    assert journal.size == sum(path.stat().st_size for path in tmp_path.iterdir()) <= MEGABYTE


def test_what_would_not_fit_anyway_gives_up_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, 1000)
    keep(journal, b"kept")
    given_up: list[Tally] = []
    with pytest.raises(JournalFull):
        journal.append(b"x" * 2000, Mark(A, 1, 0), given_up.append)
    journal.seal()
    assert given_up == []
    assert records(tmp_path) == [b"kept"]


def test_what_a_killed_process_left_is_counted_and_dated_by_the_next(tmp_path: Path) -> None:
    before = open_journal(tmp_path, MEGABYTE)
    keep(before, b"1", 5, A, 2000)
    keep(before, b"2", 7, B, 1500)
    keep(before, b"3", 1, A, 3000)
    journal = open_journal(tmp_path, MEGABYTE)
    assert oldest(journal).tally == {A: Span(6, 2000, 3000), B: Span(7, 1500, 1500)}
    assert journal.oldest_ns() == 1500
    assert journal.size == before.size > 0
    journal.remove(oldest(journal))
    assert (journal.oldest_ns(), journal.size) == (None, 0)


def test_a_large_segment_is_sealed_by_itself(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, 64 * MEGABYTE)
    keep(journal, b"x" * (9 * MEGABYTE))
    assert len(sealed(tmp_path)) == 1


def test_of_segments_set_aside_the_newest_stay_and_no_number_comes_again(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    for _ in range(7):
        keep(journal, b"x")
        journal.seal()
        journal.set_aside(oldest(journal))
    assert {path.suffix for path in tmp_path.iterdir()} == {".broken"}
    assert sorted(path.name[:12] for path in tmp_path.iterdir()) == [f"{number:012d}" for number in range(3, 8)]
    again = open_journal(tmp_path, MEGABYTE)
    keep(again, b"y")
    again.seal()
    assert [path.name[:12] for path in sealed(tmp_path)] == [f"{8:012d}"]


def test_a_segment_that_could_not_be_sealed_is_sealed_by_the_next_call(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEGABYTE)
    keep(journal, b"first")
    (segment,) = tmp_path.iterdir()
    in_the_way = segment.with_suffix(".sealed")
    in_the_way.mkdir()
    with pytest.raises(OSError):
        journal.seal()
    in_the_way.rmdir()
    keep(journal, b"second")
    journal.seal()
    assert records(tmp_path) == [b"first", b"second"]
