"""The README of a Bento."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.admin.bento.fairlead_model.manifest import BOOLEAN, DATETIME, NUMBER, Manifest

TEMPLATE = """\
# {model}, version {number}

A model exported from Fairlead (`{version}`). It needs nothing of Fairlead's to run.

    bentoml serve .

{task} Send rows as objects; `null` is a missing value, a missing column is an error, other columns are ignored:

    curl -s http://localhost:3000/predict -H 'Content-Type: application/json' -d '{request}'

The answer has {answer}. Body and answer are those of Fairlead's own `:predict`.

- `GET /readyz` answers 200 once the model is loaded; `/livez` and `/metrics` are BentoML's. The page at `/` describes
  and tries the API.
- The Open Inference Protocol, version 2, is below `/v2` in JSON (`POST /v2/models/{model}/infer`: a tensor per column,
  a matrix of numbers, or rows as JSON texts; binary tensors are refused).
- A worker has 256 predictions under way at most (`FAIRLEAD_BENTO_IN_FLIGHT`); those beyond are answered 429 with
  `Retry-After`. Below `/v2` a caller may say how long it waits (`Grpc-Timeout`, or the parameter `timeout`): what is
  late when its turn comes is not computed, and answered 504. BentoML itself answers 504 after 300 s. There is no limit
  of rows or bytes: put one into what stands in front of it.
- As an image: `bentoml containerize {model}:{number}`, after `bentoml import` of the archive.
- What it computes with: {runtime}; needs {requirements}.
- How it was trained, on what, and how good it is: `src/model/model_card.md`.

| column | kind |
| --- | --- |
{columns}
"""


def readme_of(manifest: Manifest, reference: Mapping[str, Any], requirements: Sequence[str]) -> str:
    """Return the README's text; the example's values are typical of the reference that was captured at training."""
    classes = ", ".join(manifest.classes)
    # A quote would end the shell's own.
    request = json.dumps({"rows": [_example(manifest, reference)]}).replace("'", "\\u0027")
    columns = "\n".join(f"| {each.name.replace('|', '&#124;')} | {each.kind} |" for each in manifest.columns)
    return TEMPLATE.format(
        model=manifest.model,
        number=manifest.number,
        version=manifest.version,
        task=f"It predicts one of {classes}." if classes else "It predicts a number.",
        request=request,
        answer='a `label` and the `probabilities` of each row in "predictions"'
        if classes
        else 'the `value` of each row in "predictions"',
        runtime="the pickled estimator" if manifest.native else "one ONNX graph",
        requirements=", ".join((*requirements, "bentoml")),
        columns=columns,
    )


def _example(manifest: Manifest, reference: Mapping[str, Any]) -> dict[str, Any]:
    typical = {str(column.get("name")): column for column in reference.get("columns", ())}
    return {column.name: _value(column.kind, typical.get(column.name, {})) for column in manifest.columns}


def _value(kind: str, column: Mapping[str, Any]) -> Any:
    if kind in (NUMBER, BOOLEAN):
        mean = column.get("mean")
        if not isinstance(mean, int | float):
            return None
        return mean >= 0.5 if kind == BOOLEAN else float(f"{mean:.4g}")
    if kind == DATETIME:
        return "2026-01-31T17:01:03Z"
    return next(iter(column.get("categories", ())), None)
