import pytest

from services.serving.adapters.metrics.shadows import SHADOW_ROWS, PrometheusShadowObserver


def counted(outcome: str) -> float:
    return float(SHADOW_ROWS.labels(outcome)._value.get())


def test_rows_are_counted_by_what_became_of_them_and_failures_are_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {outcome: counted(outcome) for outcome in ("predicted", "dropped", "failed")}
    observer = PrometheusShadowObserver()
    observer.shadow_predicted(2)
    observer.shadow_dropped(3)
    for _ in range(5):
        observer.shadow_failed("projects/p/deployments/d", "v2", 4, RuntimeError("the runtime fails"))
    observer.shadow_failed("projects/p/deployments/d", "v3", 4, RuntimeError("so does this one"))
    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == {
        "predicted": 2,
        "dropped": 3,
        "failed": 24,
    }
    told = "".join(capsys.readouterr())
    assert (told.count("the runtime fails"), told.count("so does this one")) == (1, 1)
