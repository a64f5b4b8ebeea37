"""What deploy/compose.yaml says, as a real Compose reads it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.compose.stack import DOORS, Stack, new_secrets
from tests.cluster.images.container import SERVICES
from tests.data import ROOT

AROUND = {"kafka", "postgres", "s3", "mlflow", "prometheus", "grafana"}
ENDS = {"topics"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack(new_secrets(tmp_path_factory.mktemp("secrets")))


@pytest.fixture(scope="module")
def services(stack: Stack) -> dict[str, Any]:
    return dict(stack.config()["services"])


def test_it_has_all_services_and_what_they_stand_on(services: dict[str, Any]) -> None:
    assert services.keys() == {*SERVICES, *AROUND, *ENDS}


def test_each_is_asked_for_its_health(services: dict[str, Any]) -> None:
    assert {name for name, each in services.items() if not each.get("healthcheck", {}).get("test")} == ENDS


def test_what_is_not_built_here_is_an_image_of_one_version(services: dict[str, Any]) -> None:
    images = {name: each["image"] for name, each in services.items() if name not in SERVICES}

    assert [name for name, image in images.items() if not re.search(r":v?\d+|^fairlead-\w+:dev$", image)] == []


def test_doors_open_on_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for each in services.values() for port in each.get("ports", [])]

    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert len(ports) == len(DOORS)


@pytest.mark.parametrize("name", [*SERVICES, "mlflow", "topics"])
def test_what_is_ours_can_write_nothing_but_its_home(services: dict[str, Any], name: str) -> None:
    service = services[name]

    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_knows_where_the_others_are_and_listens_itself(services: dict[str, Any], name: str) -> None:
    addresses = {each: services[name]["environment"][f"FAIRLEAD_{each.upper()}_ADDRESS"] for each in SERVICES}

    expected = {each: f"{each}:{7401 + number}" for number, each in enumerate(SERVICES)}
    assert addresses == {**expected, name: ""}


def test_every_file_that_it_mounts_is_there(stack: Stack) -> None:
    config = stack.config()

    files = [Path(each["file"]) for each in config["configs"].values()]
    mounts = [v for each in config["services"].values() for v in each.get("volumes", []) if v["type"] == "bind"]
    assert [path for path in [*files, *(Path(mount["source"]) for mount in mounts)] if not path.exists()] == []


def test_prometheus_scrapes_every_service_where_it_shows_its_metrics() -> None:
    told = (ROOT / "deploy" / "compose" / "prometheus.yml").read_text()

    assert re.findall(r"(\w+):(75\d\d)", told) == [(each, str(7501 + n)) for n, each in enumerate(SERVICES)]


def test_without_secrets_it_says_how_to_make_them(tmp_path: Path) -> None:
    empty = tmp_path / "none.env"
    empty.write_text("")

    with pytest.raises(AssertionError, match=r"run deploy/compose/secrets\.sh first"):
        Stack(empty).config()


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = new_secrets(tmp_path)
    first = file.read_text()

    new_secrets(tmp_path)

    assert file.read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert new_secrets(tmp_path / "other").read_text() != first
