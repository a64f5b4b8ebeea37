from __future__ import annotations

import stat
from pathlib import Path

from fairlead.up import home


def test_a_token_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = home.keep_token(tmp_path / "token")
    kept = home.keep_token(tmp_path / "token")

    assert made.is_new
    assert not kept.is_new
    assert kept.value == made.value
    assert len(made.value) >= 43
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_a_second_lock_of_the_same_home_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = home.lock(tmp_path)
    assert first is not None
    assert home.lock(tmp_path) is None

    first.close()

    assert home.lock(tmp_path) is not None


def test_clients_find_where_it_runs_until_it_is_stopped(tmp_path: Path) -> None:
    running = home.Running("http://127.0.0.1:7400", 42)

    home.write_running(tmp_path, running)
    found = home.read_running(tmp_path)
    home.forget_running(tmp_path)

    assert found == running
    assert home.read_running(tmp_path) is None
