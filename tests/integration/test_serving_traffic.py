"""Traffic splits on two serving processes of one database, under load that never stops: nobody's request fails."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Event, Thread

import httpx
import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.api.serving.v1 import deployment_service_pb2 as pb
from fairlead.kit.errors import Aborted, FailedPrecondition, InvalidArgument
from fairlead.kit.events import topics
from tests import waiting
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService, census_request

V1, V2, V3 = VERSIONS = tuple(f"projects/p/models/income/versions/{number}" for number in (1, 2, 3))
OTHER_INPUTS = "projects/p/models/price/versions/9"
BROKEN = "projects/p/models/income/versions/9"
FOLLOWED_WITHIN = 2.0


class Pair:
    """Two serving processes on one database, one event log and one blob store."""

    def __init__(self, folder: Path) -> None:
        self.one = RunningService(folder / "one")
        shared = self.one.settings
        self.other = RunningService(
            folder / "other",
            {
                "FAIRLEAD_DATABASE_URL": shared.database_url,
                "FAIRLEAD_EVENTS_URL": shared.events_url,
                "FAIRLEAD_BLOBS_URL": shared.blobs_url,
            },
        )
        self.other.models.versions = self.one.models.versions
        self.both = (self.one, self.other)
        for number, version in enumerate(VERSIONS, start=1):
            self.one.add_version(version, packages.classifier(folder / version[-1], trees=number).folder)
        self.one.add_version(OTHER_INPUTS, packages.regressor(folder / "price").folder)

    def start(self) -> None:
        """Start both, and wait until they answer."""
        for service in self.both:
            service.spawn()
        for service in self.both:
            service.wait_until_ready()

    def stop(self, number: signal.Signals) -> None:
        """End both, one after the other."""
        for service in self.both:
            service.end(number)

    def split(self, name: str, *shares: tuple[str, float], steps: Sequence[deployment_pb2.TrafficStep] = ()) -> None:
        request = pb.SplitTrafficRequest(name=name, traffic=traffic_of(*shares), steps=steps)
        self.one.deployments.SplitTraffic(request)

    def followed(self, name: str) -> None:
        """Wait until both answer for a deployment."""
        for service in self.both:
            waiting.until(lambda service=service: _answers(service, name), f"'{name}'")  # type: ignore[misc]

    def close(self) -> None:
        for service in self.both:
            service.close()


def _answers(service: RunningService, name: str) -> bool:
    url = service.rest(f"/models/{name.split('/')[1]}.{name.split('/')[3]}/ready")
    return httpx.get(url, headers=BEARER).status_code == 200


def traffic_of(*shares: tuple[str, float]) -> list[deployment_pb2.TrafficTarget]:
    """Targets; those without a share are shadows."""
    return [
        deployment_pb2.TrafficTarget(model_version=version, percent=percent, shadow=not percent)
        for version, percent in shares
    ]


def step_of(seconds: float, *shares: tuple[str, float]) -> deployment_pb2.TrafficStep:
    """A step so many seconds from now."""
    step = deployment_pb2.TrafficStep(traffic=traffic_of(*shares))
    step.time.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return step


@dataclass
class Load:
    """Callers that ask each process without a pause, by gRPC and by REST: what they were answered, and when."""

    pair: Pair
    name: str
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._ended = Event()
        self._callers = [
            Thread(target=self._call, args=(index, ask))
            for index, service in enumerate(self.pair.both)
            for ask in (self._by_grpc(service), self._by_rest(service))
        ]
        for caller in self._callers:
            caller.start()
        waiting.until(lambda: {index for _, index, _ in self.answers} == {0, 1}, "the first answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def versions(self, after: float) -> list[set[str]]:
        """The versions that each process answered with in calls that began after a moment."""
        return [{version for at, which, version in self.answers if at > after and which == index} for index in (0, 1)]

    def follows(self, *versions: str) -> float:
        """Wait until both answer with these versions alone; return how long the slower took since now."""
        changed = time.monotonic()

        def served() -> bool:
            since = time.monotonic() - 0.3
            return all(found and found <= set(versions) for found in self.versions(since))

        waiting.until(served, f"{versions}")
        stale = [at for at, _, version in self.answers if version not in versions]
        return max(0.0, max(stale, default=changed) - changed)

    def _call(self, index: int, ask: Callable[[], str]) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self.answers.append((began, index, ask()))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed request
                self.failures.append(f"{time.monotonic()}: {error!r}")
            # One machine runs both processes and their callers.
            self._ended.wait(0.005)

    def _by_grpc(self, service: RunningService) -> Callable[[], str]:
        return lambda: service.predictions.Predict(census_request(self.name)).model_version

    def _by_rest(self, service: RunningService) -> Callable[[], str]:
        client = httpx.Client(headers=BEARER)
        columns = {"age": [39.0], "hours-per-week": [40.0], "workclass": ["Private"]}
        inputs = [
            {"name": name, "datatype": "BYTES" if name == "workclass" else "FP64", "shape": [1], "data": values}
            for name, values in columns.items()
        ]
        url = service.rest(f"/models/p.{self.name.rpartition('/')[2]}/infer")

        def ask() -> str:
            answer = client.post(url, json={"inputs": inputs}).raise_for_status().json()
            return f"{V1[:-1]}{answer['model_version']}"

        return ask


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("traffic"))
    with ExitStack() as opened:
        opened.callback(pair.close)
        pair.start()
        yield pair


def test_changes_under_load_reach_both_processes_in_time_and_fail_no_request(pair: Pair) -> None:
    name = pair.one.deploy("changing", V1).name
    pair.followed(name)
    changes: list[tuple[Callable[[], object], tuple[str, ...]]] = [
        (lambda: pair.split(name, (V1, 50), (V2, 50)), (V1, V2)),
        (lambda: pair.one.deployments.PromoteVersion(pb.PromoteVersionRequest(name=name)), (V2,)),
        (lambda: pair.other.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(name=name)), (V1, V2)),
        (lambda: pair.split(name, (V3, 100)), (V3,)),
        (lambda: pair.other.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(name=name)), (V1, V2)),
        (lambda: pair.one.deployments.PromoteVersion(pb.PromoteVersionRequest(name=name, model_version=V1)), (V1,)),
        (
            lambda: pair.other.deployments.UpdateDeployment(pb.UpdateDeploymentRequest(name=name, model_version=V3)),
            (V3,),
        ),
    ]
    took = []
    served = {V1}
    with Load(pair, name) as load:
        for change, versions in changes:
            change()
            lag = load.follows(*versions)
            if not served <= set(versions):
                # Else nothing that was answered before would be wrong by now.
                took.append(lag)
            served = set(versions)
    print(f"\n{len(load.answers)} answers; the last of what was before a change: {[round(lag, 2) for lag in took]} s")
    assert load.failures == []
    # Of several, so that one pause of a busy machine is no failure.
    assert median(took) < FOLLOWED_WITHIN


def test_shares_are_seen_and_keys_go_to_the_same_version_in_each_process(pair: Pair) -> None:
    name = pair.one.deploy("shared", V1).name
    pair.split(name, (V1, 70), (V2, 30))
    pair.followed(name)
    waiting.until(lambda: _versions_of_other(pair, name) == 2, "the split")
    by_chance = Counter(
        pair.both[number % 2].predictions.Predict(census_request(name)).model_version for number in range(1000)
    )
    assert by_chance[V2] / 1000 == pytest.approx(0.3, abs=0.06)
    keys = [f"customer-{number}" for number in range(300)]
    first, second = ({key: _by_key(service, name, key) for key in keys} for service in pair.both)
    assert first == second
    assert Counter(first.values())[V2] / len(keys) == pytest.approx(0.3, abs=0.12)
    pair.split(name, (V1, 40), (V2, 60))
    then = {key: _by_key(pair.one, name, key) for key in keys}
    assert not [key for key in keys if (first[key], then[key]) == (V2, V1)]
    assert Counter(then.values())[V2] > Counter(first.values())[V2]


def _versions_of_other(pair: Pair, name: str) -> int:
    return len({pair.other.predictions.Predict(census_request(name)).model_version for _ in range(60)})


def _by_key(service: RunningService, name: str, key: str) -> str:
    request = census_request(name)
    request.routing_key = key
    return service.predictions.Predict(request).model_version


def test_a_shadow_is_logged_under_the_same_requests_and_answers_nobody(pair: Pair) -> None:
    name = pair.one.deploy("shadowed", V1).name
    pair.split(name, (V1, 100), (V2, 0))
    asked = [f"shadowed-{number}" for number in range(50)]
    answered = {pair.one.predictions.Predict(census_request(name, each)).model_version for each in asked}
    assert answered == {V1}
    waiting.until(lambda: len(logged(pair, name)) == 100, "the log")
    shadows = {(request_id, version) for request_id, version, shadow, _ in logged(pair, name) if shadow}
    assert shadows == {(request_id, V2) for request_id in asked}
    answers = {(request_id, version) for request_id, version, shadow, _ in logged(pair, name) if not shadow}
    assert answers == {(request_id, V1) for request_id in asked}


def test_a_sampled_log_holds_its_share_and_tells_the_rate(pair: Pair) -> None:
    created = pair.one.deployments.CreateDeployment(
        pb.CreateDeploymentRequest(
            parent="projects/p", deployment_id="sampled", model_version=V1, log_sampling_rate=0.2
        )
    ).deployment
    assert created.log_sampling_rate == 0.2
    for _ in range(500):
        pair.one.predictions.Predict(census_request(created.name))
    pair.one.deployments.UpdateDeployment(pb.UpdateDeploymentRequest(name=created.name, log_sampling_rate=0.0))
    pair.one.predictions.Predict(census_request(created.name, "the last"))
    # Published in order: what comes before it is there by then.
    waiting.until(lambda: "the last" in {each[0] for each in logged(pair, created.name)}, "the last request")
    rates = Counter(rate for _, _, _, rate in logged(pair, created.name))
    assert rates[0.0] == 1
    assert rates[0.2] / 500 == pytest.approx(0.2, abs=0.08)


def logged(pair: Pair, name: str) -> list[tuple[str, str, bool, float]]:
    """Request id, version, whether a shadow's, and the sampling rate of each logged request of a deployment."""
    batches = (
        event.unpack(events_pb2.PredictionBatch) for event in pair.one.events.replay(topics.PREDICTIONS, key=name)
    )
    return [
        (request.request_id, batch.model_version, batch.shadow, batch.sampling_rate)
        for batch in batches
        for request in batch.requests
    ]


def test_planned_steps_are_made_on_time_and_an_event_tells_of_each(pair: Pair) -> None:
    name = pair.one.deploy("planned", V1).name
    pair.followed(name)
    steps = [step_of(1.5, (V1, 50), (V2, 50)), step_of(4, (V2, 100))]
    with Load(pair, name) as load:
        pair.split(name, (V1, 90), (V2, 10), steps=steps)
        waiting.until(lambda: _told(pair, name)[-1].model_version == V2, "the last step")
        load.follows(V2)
    assert load.failures == []
    told = [[(each.model_version, each.percent) for each in change.traffic] for change in _told(pair, name)]
    assert told == [[(V1, 100)], [(V1, 90), (V2, 10)], [(V1, 50), (V2, 50)], [(V2, 100)]]
    for change, step in zip(_told(pair, name)[2:], steps, strict=True):
        assert change.update_time.ToNanoseconds() >= step.time.ToNanoseconds()
    kept = pair.other.deployments.GetDeployment(pb.GetDeploymentRequest(name=name)).deployment
    assert (list(kept.steps), kept.error) == ([], "")
    assert [(each.model_version, each.percent) for each in kept.previous_traffic] == [(V1, 100)]


def _told(pair: Pair, name: str) -> list[deployment_pb2.Deployment]:
    events = pair.one.events.replay(topics.DEPLOYMENTS, key=name)
    return [event.unpack(events_pb2.DeploymentChanged).deployment for event in events]


def test_a_step_whose_model_is_gone_ends_the_plan_with_the_reason(pair: Pair, tmp_path: Path) -> None:
    name = pair.one.deploy("doomed", V1).name
    pair.one.add_version(BROKEN, packages.classifier(tmp_path / "broken", trees=4).folder)
    pair.split(name, (V1, 100), steps=[step_of(15, (BROKEN, 100))])
    pair.stop(signal.SIGTERM)
    # Neither has it in memory now, and nothing could load it.
    pair.one.blobs.delete(pair.one.models.versions[BROKEN].package_blob)
    pair.start()
    waiting.until(lambda: bool(_told(pair, name)[-1].error), "the end of the plan")
    kept = pair.one.deployments.GetDeployment(pb.GetDeploymentRequest(name=name)).deployment
    assert kept.state == deployment_pb2.DEPLOYMENT_STATE_READY
    assert "was not made, and the plan is given up" in kept.error
    assert [(each.model_version, each.percent) for each in kept.traffic] == [(V1, 100)]
    assert list(kept.steps) == []
    assert pair.one.predictions.Predict(census_request(name)).model_version == V1


def test_what_no_split_can_be_is_refused_and_changes_nothing(pair: Pair) -> None:
    deployed = pair.one.deploy("refused", V1)
    name = deployed.name
    with pytest.raises(InvalidArgument, match="sum to 90"):
        pair.split(name, (V1, 50), (V2, 40))
    with pytest.raises(FailedPrecondition, match="another kind of prediction"):
        pair.split(name, (V1, 50), (OTHER_INPUTS, 50))
    with pytest.raises(FailedPrecondition, match="none to promote"):
        pair.one.deployments.PromoteVersion(pb.PromoteVersionRequest(name=name))
    with pytest.raises(FailedPrecondition, match="served nothing before"):
        pair.one.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(name=name))
    with pytest.raises(Aborted, match="changed meanwhile"):
        pair.other.deployments.PromoteVersion(pb.PromoteVersionRequest(name=name, model_version=V1, etag="stale"))
    assert pair.one.deployments.GetDeployment(pb.GetDeploymentRequest(name=name)).deployment.etag == deployed.etag


def test_a_plan_goes_on_after_a_kill_in_its_middle_and_keys_stay_where_they_were(pair: Pair) -> None:
    name = pair.one.deploy("killed", V1).name
    keys = [f"customer-{number}" for number in range(100)]
    pair.split(name, (V1, 50), (V2, 50), steps=[step_of(1, (V1, 20), (V2, 80)), step_of(12, (V3, 100))])
    waiting.until(lambda: _told(pair, name)[-1].traffic[0].percent == 20, "the first step")
    waiting.until(lambda: [_by_key(pair.one, name, key) for key in keys].count(V1) < 35, "the first step, followed")
    before = {key: _by_key(pair.one, name, key) for key in keys}
    pair.stop(signal.SIGKILL)
    pair.start()
    after = {key: _by_key(pair.other, name, key) for key in keys}
    waiting.until(lambda: _told(pair, name)[-1].model_version == V3, "the last step")
    # The last step may be made while they are asked.
    assert [key for key in keys if after[key] not in (before[key], V3)] == []
    for process in (pair.one, pair.other):
        waiting.until(lambda process=process: _by_key(process, name, "any") == V3, "the last step in each process")
