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

    def rows(self, found: dict[str, float]) -> float:
        """Rows predicted by all."""
        return sum(value for name, value in found.items() if name.startswith("fairlead_predictions_total"))

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


def test_half_of_the_labels_go_to_the_first_and_half_to_the_most_used() -> None:
    observed = Observed(labelled=6)
    for number in range(20):
        observed.answer(f"d{number}", times=1 if number < 17 else 10)
    assert observed.deployments() == {"d0", "d1", "d2", "other"}
    for number in range(20):
        observed.answer(f"d{number}")
    assert observed.deployments() == {"d0", "d1", "d2", "d17", "d18", "d19", "other"}
    # What was counted before it had a label stays where it was.
    assert observed.scrape()['fairlead_predictions_total{deployment="d19",door="rest"}'] == 1


def test_a_name_that_is_used_little_more_than_the_others_earns_no_label() -> None:
    observed = Observed(labelled=4)
    for number in range(20):
        observed.answer(f"d{number}", times=10 if number < 19 else 15)
        observed.scrape()
    assert observed.deployments() == {"d0", "d1", "d2", "d3", "other"} - {"d2", "d3"}


def test_no_counter_ever_goes_down_whoever_is_used_most() -> None:
    observed = Observed(labelled=6)
    before: dict[str, float] = {}
    for turn in range(30):
        for number in range(40):
            observed.answer(f"d{number}", times=1 + 20 * (number // 4 == turn % 10))
        found = {name: value for name, value in observed.scrape().items() if "in_flight" not in name}
        assert all(found[name] >= value for name, value in before.items())
        assert observed.rows(found) == (turn + 1) * (40 + 80)
        before = found


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
