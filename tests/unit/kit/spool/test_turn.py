"""One process at a time empties a spool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fairlead.kit.events.spool.turn import turn

HOLDER = """
import sys, time
from pathlib import Path
from fairlead.kit.events.spool.turn import turn
with turn(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    time.sleep(600)
"""


def test_the_turn_is_one_holder_s_until_it_lets_go(tmp_path: Path) -> None:
    with turn(tmp_path / "lock") as first, turn(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with turn(tmp_path / "lock") as third:
        assert third


def test_a_killed_holder_lets_go_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "lock"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with turn(tmp_path / "lock") as ours:
        assert not ours

    holder.kill()
    holder.wait()
    holder.stdout.close()

    with turn(tmp_path / "lock") as ours:
        assert ours
