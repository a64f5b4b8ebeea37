from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer.main

from fairlead.cli.main import cli
from tests.unit.cli.conftest import Shell


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


TREE = dict(commands(typer.main.get_command(cli)))
LEAVES = {path: command for path, command in TREE.items() if not hasattr(command, "commands")}


def test_the_commands_of_the_job_are_there() -> None:
    wanted = (
        "up", "status", "train", "deploy", "predict", "predict-batch", "feedback", "datasets upload",
        "datasets profile", "runs leaderboard", "models list", "monitors status", "tasks list", "tasks logs",
        "tasks cancel", "workflows review",
    )  # fmt: skip
    assert {tuple(line.split()) for line in wanted} <= LEAVES.keys()


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_option_and_argument_has_help(path: tuple[str, ...]) -> None:
    command = TREE[path]

    assert command.help
    unexplained = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert not unexplained


@pytest.mark.parametrize("path", [path for path in LEAVES if path != ("up",)], ids=" ".join)
def test_every_command_speaks_json(path: tuple[str, ...]) -> None:
    assert "--json" in [option for parameter in LEAVES[path].params for option in parameter.opts]


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_help_is_printed(shell: Shell, path: tuple[str, ...]) -> None:
    assert "Usage" in shell.ok(" ".join(path), "--help")


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell.ok("--version") == f"fairlead {version('fairlead')}\n"


def test_a_wrong_option_is_a_usage_error(shell: Shell) -> None:
    said = shell.run("tasks list --state asleep")

    assert said.status == 2
    assert "asleep" in said.err
    assert "running" in said.err
