from prometheus_client import CollectorRegistry, generate_latest

from services.serving.adapters.metrics.requests import PrometheusObserver

MS = 1_000_000
LABELLED = 5


class Observed:
    def __init__(self, labelled: int = LABELLED) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry, labelled=labelled)

    def answer(self, deployment: str, times: int = 1, rows: int = 1) -> None:
        for _ in range(times):
            self.observer.began("rest")
            self.observer.answered(deployment, "rest", rows, 2 * MS, MS)

    def scrape(self) -> dict[str, float]:
        lines = generate_latest(self.registry).decode().splitlines()
        return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if not x.startswith("#"))}

    def deployments(self) -> set[str]:
        return {name.split('deployment="')[1].split('"')[0] for name in self.scrape() if 'deployment="' in name}


def test_requests_rows_and_durations_are_counted_by_deployment_and_door() -> None:
    observed = Observed()
    observed.answer("a", times=2, rows=30)
    found = observed.scrape()
    labels = 'deployment="a",door="rest"'
    assert found[f"fairlead_predictions_total{{{labels}}}"] == 60
    assert found[f'fairlead_prediction_requests_total{{code="OK",{labels}}}'] == 2
    assert found[f'fairlead_prediction_seconds_bucket{{{labels},le="0.001"}}'] == 0
    assert found[f'fairlead_prediction_seconds_bucket{{{labels},le="0.0025"}}'] == 2
    assert found[f'fairlead_prediction_seconds_bucket{{{labels},le="+Inf"}}'] == 2
    assert found[f"fairlead_prediction_seconds_sum{{{labels}}}"] == 0.004
    assert found[f'fairlead_prediction_compute_seconds_bucket{{{labels},le="0.001"}}'] == 2
    assert found[f'fairlead_prediction_request_rows_bucket{{{labels},le="25.0"}}'] == 0
    assert found[f'fairlead_prediction_request_rows_bucket{{{labels},le="50.0"}}'] == 2
    assert found[f"fairlead_prediction_request_rows_count{{{labels}}}"] == 2


def test_refusals_are_counted_by_code_and_unknown_names_make_no_series() -> None:
    observed = Observed()
    observed.answer("a")
    for name, code in (("a", "INVALID_ARGUMENT"), ("b", "UNAVAILABLE"), ("no such", "NOT_FOUND")):
        observed.observer.began("rest")
        observed.observer.refused(name, "rest", code)
    found = observed.scrape()
    assert found['fairlead_prediction_requests_total{code="INVALID_ARGUMENT",deployment="a",door="rest"}'] == 1
    assert found['fairlead_prediction_requests_total{code="UNAVAILABLE",deployment="b",door="rest"}'] == 1
    assert found['fairlead_prediction_requests_total{code="NOT_FOUND",deployment="other",door="rest"}'] == 1
    assert observed.deployments() == {"a", "b", "other"}


def test_requests_under_way_are_told_by_door_however_often_one_looks() -> None:
    observed = Observed()
    observed.answer("a", times=10)
    for _ in range(3):
        observed.observer.began("rest")
        observed.observer.began("grpc")
    observed.observer.refused("a", "grpc", "INTERNAL")
    for _ in range(2):
        found = observed.scrape()
        assert found['fairlead_predictions_in_flight{door="rest"}'] == 3
        assert found['fairlead_predictions_in_flight{door="grpc"}'] == 2


def test_a_thousand_deployments_never_make_more_labels_than_there_are_and_one() -> None:
    observed = Observed()
    for turn in range(6):
        for number in range(1000):
            observed.answer(f"d{number}", times=1 + (number % 7 == turn))
            observed.observer.refused(f"made-up-{turn}-{number}", "rest", "NOT_FOUND")
        found = observed.deployments()
        assert len(found) <= LABELLED + 1
        assert "other" in found


def test_the_deployments_used_most_get_the_labels_and_the_rest_share_one() -> None:
    observed = Observed()
    for number in range(20):
        observed.answer(f"d{number}", times=1 if number < 15 else 10)
    observed.scrape()
    for number in range(20):
        observed.answer(f"d{number}")
    assert observed.deployments() == {"d15", "d16", "d17", "d18", "d19", "other"}
    assert observed.scrape()['fairlead_predictions_total{deployment="d19",door="rest"}'] == 1


def test_a_label_does_not_change_hands_for_a_little() -> None:
    observed = Observed(labelled=1)
    for _ in range(5):
        observed.answer("a", times=10)
        observed.answer("b", times=15)
        assert "b" not in observed.deployments()


def test_a_deployment_that_is_gone_leaves_its_label_to_another() -> None:
    observed = Observed(labelled=1)
    observed.answer("a")
    observed.answer("b")
    assert observed.deployments() == {"a", "other"}
    observed.observer.forget("a")
    observed.scrape()
    observed.answer("b")
    assert observed.deployments() == {"b", "other"}


def test_while_the_database_is_away_names_that_anyone_makes_up_make_no_series() -> None:
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry, is_known=lambda name: name == "a")
    for name in ("a", *(f"made-up-{number}" for number in range(100))):
        observer.began("rest")
        observer.refused(name, "rest", "UNAVAILABLE")
    text = generate_latest(registry).decode()
    assert 'fairlead_prediction_requests_total{code="UNAVAILABLE",deployment="a",door="rest"} 1.0' in text
    assert 'fairlead_prediction_requests_total{code="UNAVAILABLE",deployment="other",door="rest"} 100.0' in text
    assert "made-up" not in text
