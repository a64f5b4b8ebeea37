"""Gradient boosting by XGBoost."""

from __future__ import annotations

from typing import Any

from .family import Choice, Fit, FitRequest, Integer, Params, Problem, Real, Space

_MAX_TREES = 1200
_PATIENCE = 40


class XgBoost:
    """XGBClassifier and XGBRegressor with histogram splits, stopped early on validation rows."""

    name = "xgboost"
    interruptible = True

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """A quick one, and a slower, deeper one that sees fewer rows and columns a tree."""
        small = problem.rows < 2000
        base: dict[str, Any] = {
            "n_estimators": _MAX_TREES // 2,
            "learning_rate": 0.1,
            "max_depth": 3 if small else 6,
            "min_child_weight": 2.0,
            "subsample": 0.9,
            "colsample_bytree": 0.8,
            "reg_lambda": 1.0,
        }
        deeper = {"max_depth": 4 if small else 8, "subsample": 0.7, "colsample_bytree": 0.5, "min_child_weight": 5.0}
        return base, {**base, **deeper, "n_estimators": _MAX_TREES, "learning_rate": 0.05}

    def space(self, problem: Problem) -> Space:
        """Speed, depth, and what keeps trees from overfitting."""
        return {
            "n_estimators": Choice((_MAX_TREES // 2, _MAX_TREES)),
            "learning_rate": Real(0.02, 0.2, log=True),
            "max_depth": Integer(2, 5 if problem.rows < 2000 else 10),
            "min_child_weight": Real(0.5, 20.0, log=True),
            "subsample": Real(0.5, 1.0),
            "colsample_bytree": Real(0.3, 1.0),
            "reg_lambda": Real(1e-2, 30.0, log=True),
        }

    def cost(self, problem: Problem, params: Params) -> float:
        """Proportional to trees that early stopping is likely to leave, rows, columns and classes."""
        trees = min(int(params["n_estimators"]), 15.0 / float(params["learning_rate"]) + _PATIENCE)
        trees *= problem.classes if problem.classes > 2 else 1
        return 0.02 + trees * (0.0007 + 0.001 * problem.rows * problem.columns / 1e6)

    def fit(self, request: FitRequest) -> Fit:
        """Boosted until validation stops improving or time is up; without validation the given number of trees."""
        from xgboost import XGBClassifier, XGBRegressor

        kind = XGBRegressor if request.problem.is_regression else XGBClassifier
        early = {"early_stopping_rounds": _PATIENCE} if request.validation is not None else {}
        sets = [request.validation] if request.validation is not None else None
        estimator = kind(
            random_state=request.seed,
            n_jobs=request.threads,
            tree_method="hist",
            callbacks=[_stop_when_time_is_up(request)],
            **early,
            **request.params,
        )
        estimator.fit(request.features, request.target, eval_set=sets, verbose=False)
        # The callback holds the clock of this fit; neither belongs in a stored model.
        estimator.set_params(callbacks=None, early_stopping_rounds=None)
        truncated = request.remaining() <= 0
        booster = estimator.get_booster()
        best = booster.attr("best_iteration")  # absent without validation, or when time was up in the first round
        trees = int(best) + 1 if best is not None else booster.num_boosted_rounds()
        return Fit(estimator, {**request.params, "n_estimators": max(1, trees)}, truncated)


def _stop_when_time_is_up(request: FitRequest) -> Any:
    """An XGBoost callback that ends the training when the time is used up."""
    from xgboost.callback import TrainingCallback

    class StopWhenTimeIsUp(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            del model, epoch, evals_log
            return request.remaining() <= 0

    return StopWhenTimeIsUp()
