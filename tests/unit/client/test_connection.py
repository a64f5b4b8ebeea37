from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairlead.client import Connection, NotConnected, find_connection

LOCAL = "http://127.0.0.1:7400"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FAIRLEAD_HOME", str(tmp_path))
    monkeypatch.delenv("FAIRLEAD_URL", raising=False)
    monkeypatch.delenv("FAIRLEAD_TOKEN", raising=False)
    return tmp_path


def run_locally(home: Path) -> None:
    (home / "up.json").write_text(json.dumps({"url": LOCAL, "pid": 1}))
    (home / "token").write_text("local\n")


def test_the_local_fairlead_is_found_by_its_home(home: Path) -> None:
    run_locally(home)

    assert find_connection() == Connection(LOCAL, "local")


def test_the_environment_wins_over_the_local_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_locally(home)
    monkeypatch.setenv("FAIRLEAD_URL", "https://ml.example.org/")
    monkeypatch.setenv("FAIRLEAD_TOKEN", "theirs")

    assert find_connection() == Connection("https://ml.example.org", "theirs")


def test_arguments_win_over_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_locally(home)
    monkeypatch.setenv("FAIRLEAD_URL", "https://ml.example.org")
    monkeypatch.setenv("FAIRLEAD_TOKEN", "theirs")

    assert find_connection("http://other:1", "mine") == Connection("http://other:1", "mine")


def test_the_local_token_is_good_for_any_address_of_this_machine(home: Path) -> None:
    run_locally(home)

    assert find_connection("http://localhost:9000") == Connection("http://localhost:9000", "local")


def test_the_local_token_is_never_sent_to_another_machine(home: Path) -> None:
    run_locally(home)

    with pytest.raises(NotConnected, match="FAIRLEAD_TOKEN"):
        find_connection("https://ml.example.org")


def test_without_any_the_error_says_how_to_start_one(home: Path) -> None:
    with pytest.raises(NotConnected, match="fairlead up"):
        find_connection()


@pytest.mark.parametrize("url", ["localhost:7400", "ftp://host", "http://", "7400"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(NotConnected, match="http://host:7400"):
        find_connection(url, "token")
