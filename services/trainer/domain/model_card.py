"""The model card: what a person should know of a model version, in Markdown.

After Mitchell et al.: Model Cards for Model Reporting, FAT* 2019, as far as a machine can fill it in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CardFacts:
    """What the card tells; `leaderboard` holds (candidate, score, stddev, weight), best first."""

    model: str
    target: str
    task_type: str
    classes: tuple[str, ...]
    dataset_version: str
    run: str
    candidate: str
    metric: str
    metrics: Mapping[str, float]
    baseline_metrics: Mapping[str, float]
    train_rows: int
    holdout_rows: int
    inputs: Sequence[tuple[str, str]]
    steps: Sequence[str]
    leaderboard: Sequence[tuple[str, float, float, float]]
    runtime: str
    parity: str
    seed: int
    explanation_scale: str = ""
    explanation_reason: str = ""
    calibration_rows: int = 0


def write_card(facts: CardFacts) -> str:
    """The card as Markdown."""
    predicted = f"`{facts.target}` ({facts.task_type})"
    classes = f"Classes, in the order of probabilities: {', '.join(f'`{c}`' for c in facts.classes)}.\n\n"
    return (
        f"# {facts.model}\n\n"
        f"Predicts {predicted} of `{facts.dataset_version}` by `{facts.candidate}`, served by {facts.runtime}.\n\n"
        f"{classes if facts.classes else ''}"
        f"## How good it is\n\n{_metrics(facts)}\n"
        f"## How it was made\n\n"
        f"Run `{facts.run}`, seed {facts.seed}: {facts.train_rows} rows to train on, {facts.holdout_rows} held out and"
        f" seen only once, for the figures above. Candidates were ranked by `{facts.metric}` in cross-validation.\n\n"
        f"{_leaderboard(facts)}\n"
        f"### Preparation\n\n{_bullets(facts.steps) or '- no steps beside the defaults of each model family'}\n\n"
        f"## What it reads\n\n{_bullets([f'`{name}` ({kind})' for name, kind in facts.inputs])}\n\n"
        f"## What it tells beside predictions\n\n{_insights(facts)}\n"
        f"## Limits\n\n"
        f"- It knows no value beyond those in its training data; unseen categories count as unknown.\n"
        f"- The figures hold for rows like those of the dataset version; its monitor watches for drift.\n"
        f"- Whether it treats groups of people alike was not examined.\n"
        f"- ONNX and native predictions: {facts.parity}.\n"
    )


def _insights(facts: CardFacts) -> str:
    scale = {"log_odds": "in log-odds", "probability": "in probability"}.get(facts.explanation_scale, "in the value")
    told = f"contributions of its columns, {scale}, that sum to the prediction"
    return (
        f"- Why it predicts so: {told if facts.explanation_scale else facts.explanation_reason or 'not explained'}.\n"
        f"- How sure it is: intervals or sets of labels (split conformal), calibrated on {facts.calibration_rows}"
        " held-out rows.\n"
    )


def _metrics(facts: CardFacts) -> str:
    lines = [f"| metric | on {facts.holdout_rows} held-out rows | naive baseline |", "|---|---|---|"]
    lines += [
        f"| {name} | {value:.4f} | {_figure(facts.baseline_metrics, name)} |" for name, value in facts.metrics.items()
    ]
    return "\n".join(lines) + "\n"


def _figure(metrics: Mapping[str, float], name: str) -> str:
    return f"{metrics[name]:.4f}" if name in metrics else ""


def _leaderboard(facts: CardFacts) -> str:
    lines = [f"| candidate | {facts.metric} | ± | weight |", "|---|---|---|---|"]
    for candidate, score, stddev, weight in facts.leaderboard:
        lines.append(f"| {candidate} | {score:.4f} | {stddev:.4f} | {f'{weight:.2f}' if weight else ''} |")
    return "\n".join(lines) + "\n"


def _bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
