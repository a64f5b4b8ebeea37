"""Online predictions as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.cli.output import console, print_table, show
from fairlead.client import Json
from fairlead.client.names import short_name

# What moved a prediction less is summed up; --json has it all.
SHOWN_COLUMNS = 10


def print_answer(answer: Json) -> None:
    """Print the predictions of a request, with what was asked for beside them."""
    predictions = answer["predictions"]
    classified = any(p.get("probabilities") for p in predictions)
    bounded = "coverage" in answer
    columns = ["row", "prediction", *(["probabilities"] if classified else [])]
    if bounded:
        columns.append(f"{answer['coverage']:.6g} {'set' if classified else 'interval'}")
    rows = []
    for number, p in enumerate(predictions):
        row = [number, p["label"], _probabilities(p["probabilities"] or {})] if classified else [number, p["value"]]
        rows.append([*row, _interval(p["interval"])] if bounded else row)
    print_table(columns, rows)
    if "explanation" in answer:
        _print_explanation(answer)
    console.print(f"request {answer['request_id']}, model {short_name(answer['model_version'])}", style="dim")


def _print_explanation(answer: Json) -> None:
    explanation = answer["explanation"]
    rows: list[tuple[object, ...]] = []
    for number, prediction in enumerate(answer["predictions"]):
        # For more than two classes, what speaks for the one that is predicted.
        of_class = isinstance(explanation["base_value"], dict)
        label = prediction["label"] if of_class else explanation["label"]
        base = explanation["base_value"][label] if of_class else explanation["base_value"]
        parts = prediction["contributions"][label] if of_class else prediction["contributions"]
        told = f"{explanation['scale'].replace('_', ' ')}{f' of {label}' if label is not None else ''}"
        rows.append((number, "(before any column)", base, told))
        ordered = sorted(parts.items(), key=lambda part: -abs(part[1]))
        rows += [(number, column, share, "") for column, share in ordered[:SHOWN_COLUMNS]]
        if len(ordered) > SHOWN_COLUMNS:
            rest = sum(share for _, share in ordered[SHOWN_COLUMNS:])
            rows.append((number, f"({len(ordered) - SHOWN_COLUMNS} others)", rest, ""))
    print_table(["row", "column", "contribution", "to"], rows)


def _interval(interval: Json) -> str:
    if interval.get("labels") is not None:
        return ", ".join(interval["labels"]) or "(none)"
    return f"{show(interval['lower'])} to {show(interval['upper'])}"


def _probabilities(probabilities: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {share:.4f}" for label, share in probabilities.items())
