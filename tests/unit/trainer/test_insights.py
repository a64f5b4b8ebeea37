"""What a package tells beside predictions, and why it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lightgbm import LGBMRegressor

from services.trainer.adapters.package_insights import write_insights
from services.trainer.domain.export import Parity
from services.trainer.domain.insights import Insights, gather_insights

from .export.candidates import fit
from .preparation.tables import adult, sample

PASSED = Parity(2000, 1e-7, 1e-5, True)
FAILED = Parity(2000, 0.3, 1e-5, False, "ONNX and native probabilities differ by up to 0.3, more than 1e-05")


def gathered(family: str, parity: Parity) -> Insights:
    table = adult(400)
    model = fit(table, family)
    return gather_insights(model, table, parity, model.predict_columns(table.columns), table.target_numbers())


def test_trees_whose_graph_was_not_proved_are_not_explained() -> None:
    found = gathered("lightgbm", FAILED)
    assert found.explainable is None
    assert found.reason == f"not explained: {FAILED.reason}"
    assert found.calibration.count == 400


def test_a_value_whose_logarithm_trees_add_up_to_is_not_explained_but_calibrated(tmp_path: Path) -> None:
    table = sample("california_housing/california_housing.csv.gz", "median_house_value", 300)
    model = fit(table, "lightgbm", LGBMRegressor(n_estimators=5, objective="poisson", verbosity=-1))
    predictions = model.predict_columns(table.columns)
    found = gather_insights(model, table, PASSED, predictions, table.target_numbers())
    assert found.reason == "not explained: the model's trees add up to the logarithm of the value, not to the value"
    write_insights(tmp_path, found)
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.npz"]


def test_the_files_of_an_explained_model_hold_arrays_only(tmp_path: Path) -> None:
    """They can be read without unpickling anything."""
    found = gathered("xgboost", PASSED)
    write_insights(tmp_path, found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.npz", "explain.npz", "explain.onnx"]
    with np.load(tmp_path / "explain.npz", allow_pickle=False) as stored:
        assert str(stored["scale"]) == "log_odds"
        leaves = stored["0.feature"] < 0
        assert len(stored["0.leaf_values"]) == leaves.sum() > 100
        assert (stored["0.cover"] > 0).all()
