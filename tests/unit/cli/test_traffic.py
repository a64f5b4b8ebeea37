"""`fairlead deployments traffic|promote|rollback|show`, and what `deploy` and `predict` take beside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from fairlead.cli.traffic import steps_of, targets_of
from services.gateway.schemas.deployment import Deployment, TrafficTarget
from services.gateway.schemas.prediction import PredictionResponse
from tests.unit.cli.conftest import Shell
from tests.unit.client.stage import Stage, as_json, calls, problem

TRAFFIC = "PUT /deployments/income/traffic"
PREDICT = "POST /deployments/income:predict"
ADULT = "projects/default/models/adult/versions/"
NOW = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)
BASE = [{"model_version": "adult/3", "percent": 90.0}, {"model_version": "adult/4", "percent": 10.0}]


def target(number: int, percent: float = 0.0, shadow: bool = False) -> dict[str, Any]:
    named = {"model_version": f"{ADULT}{number}", "percent": percent, "shadow": shadow}
    return TrafficTarget.example() | named


SPLIT = Deployment.example() | {
    "traffic": [target(3, 90), target(4, 10), target(5, shadow=True)],
    "previous_traffic": [target(3, 100)],
    "steps": [{"time": "2026-01-31T17:31:03.000Z", "traffic": [target(3, 75), target(4, 25)]}],
    "pinned": True,
    "log_sampling_rate": 0.1,
}


def test_requests_are_divided_and_the_split_is_shown(stage: Stage, shell: Shell) -> None:
    stage.answer(TRAFFIC, SPLIT)

    lines = shell.ok("deployments traffic income adult/3=90 adult/4=10% --shadow adult/5").splitlines()

    assert stage.last.json == {
        "traffic": [
            {"model_version": f"{ADULT}3", "percent": 90.0},
            {"model_version": f"{ADULT}4", "percent": 10.0},
            {"model_version": f"{ADULT}5", "shadow": True},
        ],
        "steps": [],
    }
    assert lines == [
        "income (ready, pinned, 0.1 of its requests are logged)",
        "version  share  role",
        "adult/3  90 %   champion",
        "adult/4  10 %   challenger",
        "adult/5         shadow",
        "2026-01-31 17:31:03Z: adult/3 75 %, adult/4 25 %",
        "Before: adult/3 100 %; back to it: fairlead deployments rollback income",
    ]
    assert shell.json("deployments traffic income adult/3=100") == SPLIT


def test_steps_alone_are_planned_from_the_split_that_is_there(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /deployments/income", SPLIT)
    stage.answer(TRAFFIC, SPLIT)

    before = datetime.now(UTC)
    shell.ok("deployments traffic income --step 25@30m --step 100@2h")

    asked = stage.last.json
    assert calls(stage.asked) == ["GET /deployments/income", TRAFFIC]
    assert asked["traffic"] == []
    first, last = asked["steps"]
    assert [(t["model_version"][-1], t.get("percent"), t.get("shadow")) for t in first["traffic"]] == [
        ("3", 75.0, None),
        ("4", 25.0, None),
        ("5", None, True),
    ]
    assert [(t["model_version"][-1], t.get("percent")) for t in last["traffic"]] == [("4", 100.0), ("5", None)]
    assert datetime.fromisoformat(first["time"]) >= before.replace(microsecond=0) + timedelta(minutes=30)


def test_steps_are_ordered_by_time_and_may_name_their_split() -> None:
    steps = steps_of(["adult/3=50,adult/9=50@2026-01-31T20:00+01:00", "12.5@90s"], BASE, NOW)

    assert steps == [
        {
            "time": "2026-01-31T17:01:30.000+00:00",
            "traffic": [
                {"model_version": "adult/3", "percent": 87.5},
                {"model_version": "adult/4", "percent": 12.5},
            ],
        },
        {
            "time": "2026-01-31T19:00:00.000+00:00",
            "traffic": [
                {"model_version": "adult/3", "percent": 50.0},
                {"model_version": "adult/9", "percent": 50.0},
            ],
        },
    ]


def test_an_alias_has_an_at_of_its_own() -> None:
    assert targets_of(["adult@challenger=10"], []) == [{"model_version": "adult@challenger", "percent": 10.0}]
    traffic = steps_of(["adult@champion=50,adult@challenger=50@1d"], [], NOW)[0]["traffic"]
    assert [each["model_version"] for each in traffic] == ["adult@champion", "adult@challenger"]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("25", "names no time"),
        ("25@soon", "'soon' is no time; write how long from now"),
        ("120@1h", "'120' in '120@1h' is no percentage from 0 to 100"),
        ("adult/3=x,adult/4=1@1h", "'x' in 'adult/3=x' is no percentage"),
        ("adult/3=50,adult/4@1h", "'adult/4' is not VERSION=PERCENT"),
    ],
)
def test_a_step_that_can_not_be_read_says_how_to_write_it(step: str, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said.replace("(", r"\(")):
        steps_of([step], BASE, NOW)


def test_whose_share_a_step_means_must_be_clear() -> None:
    with pytest.raises(typer.BadParameter, match="1 versions answer; name the versions"):
        steps_of(["25@30m"], BASE[:1], NOW)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "say who answers, such as adult/3=90"),
        ("--shadow adult/5 --step 25@1h", "--shadow is part of a split"),
        ("adult/3", "'adult/3' is not VERSION=PERCENT"),
    ],
)
def test_a_split_that_is_none_is_a_usage_error(stage: Stage, shell: Shell, line: str, said: str) -> None:
    refused = shell.run(f"deployments traffic income {line}")

    assert refused.status == 2
    assert said in " ".join(refused.err.replace("│", " ").split())
    assert not stage.asked


def test_what_serving_refuses_is_told(stage: Stage, shell: Shell) -> None:
    rule = "the percentages sum to 95; they must sum to 100"
    stage.answer(TRAFFIC, problem(400, "INVALID_ARGUMENT", rule, {"field": "traffic", "description": rule}))

    refused = shell.run("deployments traffic income adult/3=90 adult/4=5")

    assert refused.status == 1
    assert f"traffic: {rule}" in refused.err


@pytest.mark.parametrize(
    ("command", "call", "body"),
    [
        ("promote income", "POST /deployments/income:promote", b"{}"),
        (
            "promote income adult/4",
            "POST /deployments/income:promote",
            b'{"model_version":"projects/default/models/adult/versions/4"}',
        ),
        ("rollback income", "POST /deployments/income:rollBack", b""),
        ("show income", "GET /deployments/income", b""),
    ],
)
def test_promoting_rolling_back_and_showing(stage: Stage, shell: Shell, command: str, call: str, body: bytes) -> None:
    sole = Deployment.example() | {"traffic": [target(4, 100)], "previous_traffic": [], "log_sampling_rate": 0.0}
    stage.answer(call, sole)

    said = shell.ok(f"deployments {command}")

    assert stage.asked[0].body == body
    assert said.splitlines() == ["income (ready)", "version  share  role", "adult/4  100 %  champion"]
    assert shell.json(f"deployments {command}") == sole


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_it_is_told_where_the_models_champion_is_another(stage: Stage, shell: Shell, action: str) -> None:
    sole = Deployment.example() | {"traffic": [target(4, 100)], "model_version": f"{ADULT}4"}
    stage.answer(f"POST /deployments/income:{'promote' if action == 'promote' else 'rollBack'}", sole)
    stage.answer("GET /models/adult", {"name": "adult", "aliases": {"champion": 3}})

    assert (
        "The model's own champion stays adult/3: `fairlead deploy adult` would go back to it. "
        "To change that: fairlead models alias adult champion 4" in shell.ok(f"deployments {action} income")
    )
    stage.answer("GET /models/adult", {"name": "adult", "aliases": {"champion": 4}})
    assert "own champion" not in shell.ok(f"deployments {action} income")


def test_promoting_with_the_alias_makes_it_the_models_champion(stage: Stage, shell: Shell) -> None:
    sole = Deployment.example() | {"traffic": [target(4, 100)], "model_version": f"{ADULT}4"}
    stage.answer("POST /deployments/income:promote", sole)
    stage.answer("PUT /models/adult/aliases/champion", {"name": "adult"})

    assert shell.json("deployments promote income --alias") == sole
    assert stage.last.json == {"version": 4}


def test_a_version_without_its_model_is_told_how_to_be_written() -> None:
    with pytest.raises(typer.BadParameter, match="'1=90' names no model; write its version as MODEL/NUMBER"):
        targets_of(["1=90", "2=10"], [])


def test_a_list_shows_who_shares(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /deployments", {"items": [SPLIT], "next_page_token": ""})

    assert "adult/3 90 %, adult/4 10 %, adult/5 shadow" in shell.ok("deployments list")


def test_deploying_pinned_and_sampled(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /deployments", as_json(Deployment.example(), 201))

    shell.ok("deploy adult/3 --pinned --log-sampling 0.1")
    assert (stage.last.json["pinned"], stage.last.json["log_sampling_rate"]) == (True, 0.1)
    shell.ok("deploy adult/3")
    assert not {"pinned", "log_sampling_rate"} & stage.last.json.keys()


def test_a_prediction_is_explained_and_bounded(stage: Stage, shell: Shell) -> None:
    answer = PredictionResponse.example()
    answer["predictions"][0] |= {
        "contributions": {f"c{index}": index / 10 for index in range(-6, 6)},
        "interval": {"labels": ["<=50K", ">50K"]},
    }
    answer |= {"explanation": {"scale": "log_odds", "base_value": -1.25, "label": ">50K"}, "coverage": 0.9}
    stage.answer(PREDICT, answer)

    said = shell.ok("predict income age=39 --routing-key customer-1 --explain --interval 0.9")

    assert stage.last.json == {
        "rows": [{"age": 39}],
        "routing_key": "customer-1",
        "explain": True,
        "interval": 0.9,
    }
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["row", "prediction", "probabilities", "0.9", "set"]
    assert lines[1][-2:] == ["<=50K,", ">50K"]
    assert lines[3] == ["0", "(before", "any", "column)", "-1.2500", "log", "odds", "of", ">50K"]
    assert lines[4][:3] == ["0", "c-6", "-0.6000"]
    assert lines[14] == ["0", "(2", "others)", "0.1000"]


def test_of_more_classes_the_predicted_one_is_explained_and_a_number_has_an_interval(
    stage: Stage, shell: Shell
) -> None:
    flower = {
        "label": "b",
        "probabilities": {"a": 0.2, "b": 0.5, "c": 0.3},
        "contributions": {"a": {"x": 1.0}, "b": {"x": 2.0}, "c": {"x": 3.0}},
    }
    base = {"a": 0.1, "b": 0.2, "c": 0.3}
    explanation = {"scale": "probability", "base_value": base, "label": None}
    stage.answer(PREDICT, PredictionResponse.example() | {"predictions": [flower], "explanation": explanation})
    lines = [line.split() for line in shell.ok("predict income x=1 --explain").splitlines()]
    assert lines[3][-4:] == ["0.2000", "probability", "of", "b"]
    assert lines[4] == ["0", "x", "2"]

    price = {"value": 20.5, "interval": {"lower": 18.25, "upper": 23.0}}
    stage.answer(PREDICT, PredictionResponse.example() | {"predictions": [price], "coverage": 0.8})
    lines = [line.split() for line in shell.ok("predict income x=1 --interval 0.8").splitlines()]
    assert lines[0] == ["row", "prediction", "0.8", "interval"]
    assert lines[1] == ["0", "20.5000", "18.2500", "to", "23"]


def test_how_it_is_kept_and_logged_changes_and_who_answers_does_not(stage: Stage, shell: Shell) -> None:
    stage.answer("PATCH /deployments/income", SPLIT)

    said = shell.ok("deployments set income --pinned --log-sampling 0.1")
    assert stage.last.json == {"pinned": True, "log_sampling_rate": 0.1}
    assert said.splitlines()[0] == "income (ready, pinned, 0.1 of its requests are logged)"
    assert shell.json("deployments set income --no-pinned") == SPLIT
    assert stage.last.json == {"pinned": False}


def test_nothing_to_set_is_a_usage_error(stage: Stage, shell: Shell) -> None:
    refused = shell.run("deployments set income")

    assert refused.status == 2
    assert "--log-sampling" in refused.err
    assert not stage.asked


@pytest.mark.parametrize("rate", ["0", "-0.5", "1.5", "nan"])
@pytest.mark.parametrize("command", ["deploy adult/3", "deployments set income"])
def test_a_share_of_none_is_refused_and_says_what_to_give(stage: Stage, shell: Shell, command: str, rate: str) -> None:
    refused = shell.run(f"{command} --log-sampling={rate}")

    assert refused.status == 2
    assert "give one above 0, such as 0.01, or 1 for every request" in " ".join(refused.err.replace("│", " ").split())
    assert not stage.asked
