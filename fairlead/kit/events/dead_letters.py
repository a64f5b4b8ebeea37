"""Putting an event that a group can't use on the dead-letter topic, also where its copy is too large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.logging import get_logger

from .cloud_events import Envelope, dead_letter_of
from .port import Event
from .topics import dead_letter

# Of a text in a letter without its payload: a publisher that knows no limits may have put anything in its attributes.
MAX_TEXT = 1_000

_LOGGER = get_logger(__name__)


def put_aside(append: Callable[[str, Sequence[Envelope]], None], event: Event, reason: str, group: str) -> None:
    """Append the dead letter of an event; where it is too large, one without its payload in its place.

    Raises as `append`; a group must get past an event whatever its size, so not for that.
    """
    letter, topic = dead_letter_of(event, reason, group), dead_letter(event.topic)
    try:
        append(topic, [letter])
    except InvalidArgument as error:
        place = f"{event.topic}/{event.partition}/{event.offset}"
        _LOGGER.error("a dead letter is kept without its payload", group=group, place=place, error=error.message)
        append(topic, [_without_payload(letter)])


def _without_payload(letter: Envelope) -> Envelope:
    told = {name: value for name, value in letter.extensions.items() if name.startswith("deadletter")}
    return replace(
        letter,
        key=letter.key[:MAX_TEXT],
        id=letter.id[:MAX_TEXT],
        type=letter.type[:MAX_TEXT],
        source=letter.source[:MAX_TEXT],
        extensions={**told, "deadletteromittedbytes": str(len(letter.payload))},
        payload=b"",
    )
