"""Gradient boosting by LightGBM."""

from __future__ import annotations

from typing import Any

from .family import Choice, Fit, FitRequest, Integer, Params, Problem, Real, Space

_MAX_TREES = 1200
_PATIENCE = 40


class LightGbm:
    """LGBMClassifier and LGBMRegressor, stopped early on validation rows."""

    name = "lightgbm"
    interruptible = True

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """A quick one, a slower and more regular one, and one with random splits; small tables get smaller trees."""
        small = problem.rows < 2000
        leaf, leaves = (5, 8) if small else (20, 31)
        base: dict[str, Any] = {
            "n_estimators": _MAX_TREES // 2,
            "learning_rate": 0.1,
            "num_leaves": leaves,
            "min_child_samples": leaf,
            "colsample_bytree": 0.8,
            "reg_lambda": 1.0,
            "extra_trees": False,
        }
        slower = {**base, "n_estimators": _MAX_TREES, "learning_rate": 0.05}
        return (
            base,
            {**slower, "num_leaves": max(4, leaves // 2), "colsample_bytree": 0.5, "reg_lambda": 5.0},
            {**slower, "extra_trees": True, "num_leaves": leaves * 2},
        )

    def space(self, problem: Problem) -> Space:
        """Speed, size of trees, and what keeps them from overfitting."""
        return {
            "n_estimators": Choice((_MAX_TREES // 2, _MAX_TREES)),
            "learning_rate": Real(0.02, 0.2, log=True),
            "num_leaves": Integer(4, 31 if problem.rows < 2000 else 128, log=True),
            "min_child_samples": Integer(3, 30 if problem.rows < 2000 else 100, log=True),
            "colsample_bytree": Real(0.3, 1.0),
            "reg_lambda": Real(1e-2, 30.0, log=True),
            "extra_trees": Choice((False, True)),
        }

    def cost(self, problem: Problem, params: Params) -> float:
        """Proportional to trees that early stopping is likely to leave, rows, columns and classes."""
        trees = min(int(params["n_estimators"]), 15.0 / float(params["learning_rate"]) + _PATIENCE)
        trees *= problem.classes if problem.classes > 2 else 1
        return 0.02 + trees * (0.0004 + 0.0006 * problem.rows * problem.columns / 1e6)

    def fit(self, request: FitRequest) -> Fit:
        """Boosted until validation stops improving or time is up; without validation the given number of trees."""
        from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

        kind: Any = LGBMRegressor if request.problem.is_regression else LGBMClassifier
        estimator = kind(random_state=request.seed, n_jobs=request.threads, verbosity=-1, **request.params)
        callbacks: list[Any] = [_stop_when_time_is_up(request)]
        sets: dict[str, Any] = {}
        if request.validation is not None:
            callbacks.append(early_stopping(_PATIENCE, verbose=False))
            sets = {"eval_X": request.validation[0], "eval_y": request.validation[1]}
        estimator.fit(request.features, request.target, callbacks=callbacks, **sets)
        truncated = request.remaining() <= 0
        trees = int(estimator.best_iteration_ or estimator.n_iter_ or 1)
        return Fit(estimator, {**request.params, "n_estimators": max(1, trees)}, truncated)


def _stop_when_time_is_up(request: FitRequest) -> Any:
    """A LightGBM callback that ends the training by the library's own early-stopping signal."""
    from lightgbm.callback import EarlyStopException

    def stop(env: Any) -> None:
        if request.remaining() <= 0:
            raise EarlyStopException(env.iteration, env.evaluation_result_list or [])

    stop.order = 40  # type: ignore[attr-defined]  # after early_stopping (30), so that it has seen this round
    return stop
