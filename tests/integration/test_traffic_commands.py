"""Traffic splits from the command line through the gateway to serving: a canary from its first share to a rollback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fairlead.client import Client
from tests.unit.gateway.running import TOKEN as ADMIN
from tests.unit.gateway.running import Running, running_gateway
from tests.unit.serving import packages
from tests.unit.serving.running import TOKEN, RunningService
from tests.waiting import until

VERSIONS = "projects/default/models/income/versions"
ROW = {"age": 39, "hours-per-week": 40, "workclass": "Private"}
Command = Callable[[str], Any]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("traffic")
    service = RunningService(folder / "serving")
    for number in (1, 2, 3):
        aliases = [f"{VERSIONS.removesuffix('/versions')}/aliases/challenger"] if number == 2 else []
        package = packages.classifier(folder / str(number), trees=number).folder
        service.add_version(f"{VERSIONS}/{number}", package, *aliases)
    price = "projects/default/models/price/versions/9"
    service.add_version(price, packages.regressor(folder / "price").folder)
    service.start()
    addresses = {
        "service_token": TOKEN,
        "serving_address": service.settings.address,
        "trainer_address": service.environment["FAIRLEAD_TRAINER_ADDRESS"],
    }
    with running_gateway(folder, **addresses) as running:
        yield running
    service.close()


@pytest.fixture
def client(gateway: Running) -> Iterator[Client]:
    with Client(gateway.url, ADMIN) as client:
        yield client


@pytest.fixture
def command(gateway: Running) -> Command:
    environment = {**os.environ, "FAIRLEAD_URL": gateway.url, "FAIRLEAD_TOKEN": ADMIN, "COLUMNS": "1000"}

    def run(line: str) -> Any:
        """Return what it printed, as JSON; what it complained of where it failed."""
        done = subprocess.run(
            [sys.executable, "-m", "fairlead.cli.main", *line.split()],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return run


def shares(deployment: dict[str, Any], member: str = "traffic") -> list[tuple[str, float]]:
    return [(target["model_version"].rpartition("/")[2], target["percent"]) for target in deployment[member]]


def answered_by(client: Client, deployment: str, key: str | None = None) -> str:
    answer = client.deployments.predict(deployment, [ROW], routing_key=key)
    return str(answer["model_version"].rpartition("/")[2])


def test_a_canary_from_its_first_share_to_a_rollback(command: Command, client: Client) -> None:
    made = command("deploy income/1 --name canary --pinned --log-sampling 0.5 --json")
    assert (shares(made), made["pinned"], made["log_sampling_rate"]) == ([("1", 100.0)], True, 0.5)

    split = command("deployments traffic canary income/1=60 income@challenger=40 --shadow income/3 --json")
    assert shares(split) == [("1", 60.0), ("2", 40.0), ("3", 0.0)]
    assert shares(split, "previous_traffic") == [("1", 100.0)]
    keys = [f"customer-{number}" for number in range(40)]
    first = [answered_by(client, "canary", key) for key in keys]
    assert set(first) == {"1", "2"}
    assert [answered_by(client, "canary", key) for key in keys] == first

    kept = command("deployments set canary --no-pinned --log-sampling 1 --json")
    assert (kept["pinned"], kept["log_sampling_rate"]) == (False, 1.0)
    assert shares(kept) == shares(split)
    assert shares(kept, "previous_traffic") == [("1", 100.0)]

    promoted = command("deployments promote canary income/2 --json")
    assert shares(promoted) == [("2", 100.0)]
    assert {answered_by(client, "canary", key) for key in keys} == {"2"}

    back = command("deployments rollback canary --json")
    assert shares(back) == shares(split)
    assert [answered_by(client, "canary", key) for key in keys] == first
    assert command("deployments show canary --json")["etag"] == back["etag"]


def test_steps_shift_the_traffic_by_themselves(command: Command, client: Client) -> None:
    command("deploy income/1 --name steps --json")

    planned = command("deployments traffic steps income/1=90 income/2=10 --step 50@2s --step 100@1h --json")
    assert [shares(step) for step in planned["steps"]] == [[("1", 50.0), ("2", 50.0)], [("2", 100.0)]]

    until(lambda: shares(client.deployments.get("steps")) == [("1", 50.0), ("2", 50.0)], "the first step")
    assert [shares(step) for step in client.deployments.get("steps")["steps"]] == [[("2", 100.0)]]
    assert command("deployments promote steps income/1 --json")["steps"] == []


def test_what_can_not_be_is_told(command: Command, client: Client) -> None:
    command("deploy income/1 --name told --json")

    assert "there is nothing to roll back to" in command("deployments rollback told")
    assert "must sum to 100" in command("deployments traffic told income/1=60 income/2=30")
    assert "versions of one split must be alike" in command("deployments traffic told income/1=60 price/9=40")
    assert "no model version 'income/9'" in command("deployments traffic told income/1=60 income/9=40")
    assert "promote" in command("deployments promote told")
    assert shares(client.deployments.get("told")) == [("1", 100.0)]


def test_a_model_without_what_explains_it_says_so(command: Command) -> None:
    command("deploy income/1 --name plain --json")

    row = "age=39 hours-per-week=40 workclass=Private"
    for wish in ("--explain", "--interval 0.9"):
        assert "export its run again" in command(f"predict plain {row} {wish}")
    assert "between 0 and 1" in command(f"predict plain {row} --interval 90")
