"""Predictions as tensors of the Open Inference Protocol: those that a request names, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .json_tensors import BYTES, parameters_of, text_member
from .manifest import Manifest
from .model import Predicted
from .rows import Refused

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"


class Wanted(NamedTuple):
    """An output that was named; top: how many of the likeliest classes to answer as texts, 0 for the numbers."""

    name: str
    top: int


def described_outputs(manifest: Manifest) -> list[dict[str, Any]]:
    """Return what the model answers, as metadata describes it."""
    if not manifest.classes:
        return [{"name": PREDICT, "datatype": "FP64", "shape": [-1]}]
    return [
        {"name": PREDICT, "datatype": BYTES, "shape": [-1]},
        {"name": PREDICT_PROBA, "datatype": "FP64", "shape": [-1, len(manifest.classes)]},
    ]


def wanted_outputs(manifest: Manifest, outputs: Any) -> list[Wanted]:
    """Return the outputs that a request names. Raises Refused for what is none of the model's."""
    if outputs is None:
        return []
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise Refused('outputs: a list of objects is expected, such as {"name": "predict"}')
    known = [str(each["name"]) for each in described_outputs(manifest)]
    wanted = []
    for index, output in enumerate(outputs):
        top = parameters_of(output).get("classification", 0)
        if type(top) is not int or top < 0:
            raise Refused(f"outputs[{index}]: classification is {top!r:.60}; a whole number of classes is expected")
        wanted.append(Wanted(text_member(output.get("name"), f"outputs[{index}].name"), top))
    for name, top in wanted:
        if name not in known:
            raise Refused(f"the model has no output '{name}' for this request; it answers {', '.join(known)}")
        if top and name != PREDICT_PROBA:
            raise Refused(f"'classification' was asked of the output '{name}'; only {PREDICT_PROBA} has it")
    return wanted


def output_tensors(manifest: Manifest, made: Predicted, wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """Return the outputs wanted, all of them where none is."""
    answers = [made.labels, made.probabilities] if manifest.classes else [made.values]
    every = {}
    for about, answer in zip(described_outputs(manifest), answers, strict=True):
        array = np.asarray(answer)
        every[about["name"]] = {**about, "shape": [*array.shape], "data": array.ravel().tolist()}
    if not wanted:
        return list(every.values())
    return [_likeliest(manifest, made, top) if top else every[name] for name, top in wanted]


def _likeliest(manifest: Manifest, made: Predicted, top: int) -> dict[str, Any]:
    """Return "value:index:label" of the likeliest classes of each row, as Triton's classification extension has it."""
    values = np.asarray(made.probabilities)
    best = np.argsort(-values, axis=1, kind="stable")[:, :top]
    texts = [
        f"{value!r}:{index}:{manifest.classes[index]}"
        for row, indices in zip(values.tolist(), best.tolist(), strict=True)
        for index, value in ((index, row[index]) for index in indices)
    ]
    return {"name": PREDICT_PROBA, "datatype": BYTES, "shape": [*best.shape], "data": texts}
