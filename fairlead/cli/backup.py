"""`fairlead backup` and `fairlead restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairlead.cli.context import AsJson
from fairlead.cli.operating import Home, operating
from fairlead.cli.output import errors, print_json

if TYPE_CHECKING:
    from fairlead.admin.backup.manifest import Manifest

Folder = Annotated[Path, typer.Argument(help="Folder of the backup.")]


def backup(
    folder: Folder,
    home: Home = None,
    events: Annotated[
        bool, typer.Option(help="Copy the events, too; without, only how far each consumer group is.")
    ] = True,
    verify: Annotated[bool, typer.Option("--verify", help="Only check every file of a backup.")] = False,
    as_json: AsJson = False,
) -> None:
    """Back up everything into a new folder, while Fairlead runs: metadata, blobs, MLflow, events and positions.

    Databases, bucket and Kafka are those of the services' FAIRLEAD_* variables; without them, all is below home.
    """
    with operating():
        from fairlead.admin import backup as work

        if verify:
            manifest = work.verify(folder)
            done = f"{folder} is whole: the backup of {manifest.finished}"
        else:
            manifest = work.back_up(_settings(home), folder, _say(as_json), with_events=events)
            done = f"Backed up into {folder}"
        _report(done, manifest, as_json)


def restore(folder: Folder, home: Home = None, as_json: AsJson = False) -> None:
    """Restore a backup into an empty Fairlead, on this machine or on other back ends than it was made on.

    Fairlead must not run there. Every file is checked first; a restore that was cut off can be begun again.
    """
    with operating():
        from fairlead.admin import backup as work

        manifest = work.restore(_settings(home), folder, _say(as_json))
        _report(f"Restored {folder}", manifest, as_json)


def _settings(home: Path | None) -> Any:
    from fairlead.admin.backup import BackupSettings

    return BackupSettings(home=home) if home is not None else BackupSettings()


def _say(as_json: bool) -> Callable[[str], None]:
    """Return what tells of progress, on standard error; a machine is told the end only."""
    return (lambda _: None) if as_json else (lambda sentence: errors.print(sentence, markup=False, highlight=False))


def _report(done: str, manifest: Manifest, as_json: bool) -> None:
    from fairlead.admin.backup import facts, sentence

    if as_json:
        print_json(facts(manifest))
    else:
        typer.echo(f"{done}: {sentence(manifest)}")
