"""What the backup by the clock does, with a stand-in for `fairlead`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chart.chart import CHART

SCRIPT = CHART / "files" / "backup" / "backup.sh"
NEW = "20260131T021500Z"
OLD = ("20260128T021500Z", "20260129T021500Z", "20260130T021500Z")

FAIRLEAD = """#!/bin/sh
echo "$@" >> "$CALLS"
flock --nonblock "$BACKUPS/.lock" true && echo "another could begin" >> "$CALLS"
if [ "$2" = --verify ]; then
    [ "$FAULT" != damaged ]
    exit
fi
for folder; do :; done
mkdir "$folder"
[ "$FAULT" != "cut off" ] || exit 137
[ "$FAULT" != away ] || { rmdir "$folder"; exit 1; }
echo '{}' > "$folder/manifest.json"
"""
DATE = f"""#!/bin/sh
[ "$*" = "-u +%Y%m%dT%H%M%SZ" ] && echo {NEW}
"""


@dataclass(frozen=True)
class Backups:
    """A folder of backups, and the stand-ins that are found before the programs of the machine."""

    folder: Path
    programs: Path
    calls: Path

    def run(self, *arguments: str, fault: str = "") -> int:
        """Run the script and return how it ended."""
        environment = {
            **os.environ,
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "BACKUPS": str(self.folder),
            "FAULT": fault,
        }
        return subprocess.run(["sh", str(SCRIPT), str(self.folder), *arguments], env=environment).returncode

    def there(self) -> list[str]:
        """Return the names in the folder."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != ".lock")

    def make(self, names: Iterable[str], *, finished: bool = True) -> None:
        """Put folders there, as earlier backups left them."""
        for name in names:
            (self.folder / name / "blobs").mkdir(parents=True)
            if finished:
                (self.folder / name / "manifest.json").write_text("{}")


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    found = Backups(tmp_path / "backups", tmp_path / "bin", tmp_path / "calls")
    found.folder.mkdir()
    found.programs.mkdir()
    for name, text in (("fairlead", FAIRLEAD), ("date", DATE)):
        (found.programs / name).write_text(text)
        (found.programs / name).chmod(0o755)
    return found


def test_a_backup_is_checked_and_has_its_name_only_then(backups: Backups) -> None:
    assert backups.run("7", "--no-events") == 0

    part = backups.folder / f"{NEW}.part"
    assert backups.calls.read_text().splitlines() == [f"backup --no-events {part}", f"backup --verify {part}"]
    assert backups.there() == [NEW]
    assert (backups.folder / NEW / "manifest.json").exists()


@pytest.mark.parametrize(
    ("keep", "left"), [("1", [NEW]), ("2", [OLD[2], NEW]), ("4", [*OLD, NEW]), ("100", [*OLD, NEW])]
)
def test_the_newest_are_kept(backups: Backups, keep: str, left: list[str]) -> None:
    backups.make(OLD)

    assert backups.run(keep) == 0
    assert backups.there() == left


@pytest.mark.parametrize("fault", ["away", "cut off", "damaged"])
def test_none_is_removed_where_there_is_no_new_one(backups: Backups, fault: str) -> None:
    backups.make(OLD)

    assert backups.run("1", fault=fault) != 0
    assert [name for name in backups.there() if not name.endswith(".part")] == list(OLD)


@pytest.mark.parametrize("fault", ["cut off", "damaged"])
def test_what_was_cut_off_goes_with_the_next(backups: Backups, fault: str) -> None:
    backups.make(["20260127T021500Z.part"], finished=False)
    backups.run("2", fault=fault)
    assert backups.there() == [f"{NEW}.part"]

    assert backups.run("2") == 0
    assert backups.there() == [NEW]


def test_what_people_put_there_is_theirs(backups: Backups) -> None:
    theirs = ["2026-01-30", "before-the-upgrade", "before-the-upgrade.part"]
    backups.make(theirs)
    # A copy that is on its way here is neither in the way nor one of those that are kept.
    backups.make([OLD[2]], finished=False)
    backups.make([OLD[0]])

    assert backups.run("1") == 0
    assert backups.there() == sorted([*theirs, OLD[2], NEW])


def test_the_next_waits_for_the_one_before(backups: Backups) -> None:
    assert backups.run("1") == 0

    assert "another could begin" not in backups.calls.read_text()
