"""Reading a step's parameters, with errors that name the step."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .step import StepSpec


def step_error(step: StepSpec, problem: str) -> InvalidArgument:
    """An InvalidArgument that names the step."""
    return InvalidArgument(
        f"Step '{step.id}' ({step.kind}): {problem}", violations=(FieldViolation(f"steps[{step.id}]", problem),)
    )


class ParamReader:
    """Reads one step's parameters; `finish` refuses those that nobody asked for."""

    def __init__(self, step: StepSpec) -> None:
        self._step = step
        self._known: list[str] = []

    def choice(self, name: str, default: str, options: Sequence[str]) -> str:
        """One of the options."""
        value = self._take(name, default)
        if value not in options:
            raise self._error(name, f"is {value!r}; use one of {', '.join(options)}")
        return str(value)

    def number(self, name: str, default: float, low: float = 0.0, high: float = float("inf")) -> float:
        """A number from low to high."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._error(name, f"is {value!r}; give a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self._error(name, f"is {value!r}; give true or false")
        return value

    def text(self, name: str, default: str) -> str:
        """A text that is not empty."""
        value = self._take(name, default)
        if not isinstance(value, str) or not value:
            raise self._error(name, f"is {value!r}; give a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when not given."""
        value = self._take(name, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self._error(name, f"is {value!r}; give a list of texts")
        return tuple(str(item) for item in value)

    def scalar(self, name: str) -> str | float | None:
        """A text or a number; None when not given."""
        value = self._take(name, None)
        if isinstance(value, bool):
            return float(value)
        if value is not None and not isinstance(value, str | int | float):
            raise self._error(name, f"is {value!r}; give a text or a number")
        return value

    def finish(self) -> None:
        """Raise InvalidArgument for a parameter that this kind of step does not have."""
        unknown = sorted(set(self._step.params) - set(self._known))
        if unknown:
            possible = ", ".join(self._known) or "none"
            raise step_error(self._step, f"has no parameter '{unknown[0]}'; its parameters are: {possible}.")

    def _take(self, name: str, default: object) -> object:
        self._known.append(name)
        value = self._step.params.get(name)
        return default if value is None else value

    def _error(self, name: str, problem: str) -> InvalidArgument:
        return step_error(self._step, f"parameter '{name}' {problem}.")
