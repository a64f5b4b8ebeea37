"""What a model card tells."""

from __future__ import annotations

from dataclasses import replace

from services.trainer.domain.model_card import CardFacts, write_card

FACTS = CardFacts(
    model="red.adult",
    target="income",
    task_type="binary",
    classes=("<=50K", ">50K"),
    dataset_version="projects/red/datasets/adult/versions/1",
    run="projects/red/runs/abc",
    candidate="ensemble",
    metric="roc_auc",
    metrics={"roc_auc": 0.92712, "accuracy": 0.87},
    baseline_metrics={"roc_auc": 0.5, "accuracy": 0.759},
    train_rows=26049,
    holdout_rows=6512,
    inputs=[("age", "number"), ("sex", "text")],
    steps=["Replaced 12 nulls in 'age' with mean 35.716"],
    leaderboard=[("ensemble", 0.928, 0.001, 0.0), ("lightgbm-1", 0.927, 0.0012, 0.7)],
    runtime="ONNX Runtime",
    parity="equal within 1e-7 on 5000 rows",
    seed=0,
)


def test_the_card_tells_figures_beside_the_baseline() -> None:
    assert "| roc_auc | 0.9271 | 0.5000 |" in write_card(FACTS)
    assert "on 6512 held-out rows" in write_card(FACTS)


def test_the_card_tells_how_the_model_was_made_and_what_it_reads() -> None:
    card = write_card(FACTS)
    for said in ("# red.adult", "`<=50K`, `>50K`", "Replaced 12 nulls", "| lightgbm-1 | 0.9270 | 0.0012 | 0.70 |"):
        assert said in card
    assert "- `age` (number)" in card
    assert "equal within 1e-7 on 5000 rows" in card


def test_the_card_tells_what_the_model_tells_beside_predictions() -> None:
    card = write_card(replace(FACTS, explanation_scale="log_odds", calibration_rows=6512))
    assert "contributions of its columns, in log-odds, that sum to the prediction" in card
    assert "calibrated on 6512 held-out rows" in card
    why = "not explained: ONNX and native probabilities differ by up to 0.3, more than 1e-05"
    assert f"- Why it predicts so: {why}." in write_card(replace(FACTS, explanation_reason=why))
