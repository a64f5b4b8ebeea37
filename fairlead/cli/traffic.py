"""Traffic splits as people write them: adult/3=90 adult/4=10, and steps such as 25@30m."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import typer

from fairlead.client import Json

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AFTER = re.compile(r"\+?(\d+(?:\.\d+)?)([smhd])")


def targets_of(shares: Sequence[str], shadows: Sequence[str]) -> list[Json]:
    """Return the targets of "adult/3=90" each, and of shadows. Raises BadParameter."""
    answering = [_target(share) for share in shares]
    return answering + [{"model_version": shadow, "shadow": True} for shadow in shadows]


def steps_of(steps: Sequence[str], traffic: Sequence[Json], now: datetime) -> list[Json]:
    """Return splits to come, soonest first.

    "25@30m" gives the last version of the traffic 25 percent in 30 minutes, and the other one the rest; its shadows
    stay. "adult/3=50,adult/4=50@2026-01-31T17:00" names the split itself; a time without an offset is the local one.
    Raises BadParameter.
    """
    made = []
    for step in steps:
        split, at, when = step.rpartition("@")
        if not at:
            raise typer.BadParameter(f"'{step}' names no time; write a step as 25@30m or adult/3=75,adult/4=25@30m")
        targets = [_target(share) for share in split.split(",")] if "=" in split else _shifted(traffic, split, step)
        made.append((_time(when, now), targets))
    made.sort(key=lambda step: step[0])
    return [{"time": time.isoformat(timespec="milliseconds"), "traffic": targets} for time, targets in made]


def _target(share: str) -> Json:
    version, equals, percent = share.strip().rpartition("=")
    if not equals or not version:
        raise typer.BadParameter(f"'{share}' is not VERSION=PERCENT, such as adult/4=10")
    if version.isdigit():
        raise typer.BadParameter(
            f"'{share}' names no model; write its version as MODEL/NUMBER, such as adult/{version}"
        )
    return {"model_version": version, "percent": _percent(percent, share)}


def _shifted(traffic: Sequence[Json], percent: str, step: str) -> list[Json]:
    """Return the traffic with a percentage for its last version, and the rest for its other."""
    share = _percent(percent, step)
    answering = [target["model_version"] for target in traffic if not target.get("shadow")]
    if len(answering) != 2:
        raise typer.BadParameter(
            f"'{step}' says which share the challenger gets, but {len(answering)} versions answer; "
            "name the versions, such as adult/3=75,adult/4=25@30m"
        )
    shares = zip(answering, (100 - share, share), strict=True)
    kept = [{"model_version": version, "percent": part} for version, part in shares if part > 0]
    shadows = [target["model_version"] for target in traffic if target.get("shadow")]
    return kept + [{"model_version": shadow, "shadow": True} for shadow in shadows]


def _percent(text: str, within: str) -> float:
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise typer.BadParameter(f"'{text}' in '{within}' is no percentage from 0 to 100")
    return percent


def _time(when: str, now: datetime) -> datetime:
    after = _AFTER.fullmatch(when.strip())
    if after is not None:
        return now + timedelta(**{_UNITS[after[2]]: float(after[1])})
    try:
        return datetime.fromisoformat(when.strip()).astimezone(UTC)
    except ValueError:
        raise typer.BadParameter(
            f"'{when}' is no time; write how long from now (90s, 30m, 2h, 1d), or 2026-01-31T17:00"
        ) from None
