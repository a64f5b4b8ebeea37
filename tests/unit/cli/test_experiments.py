"""What `fairlead deployments experiment` shows of the gateway's own example answer."""

from __future__ import annotations

from services.gateway.schemas.experiment import CHALLENGER, SENTENCE, Experiment
from tests.unit.cli.conftest import Shell
from tests.unit.client.stage import Stage, as_json, problem

CALL = "GET /deployments/income/experiment"
FOUND = Experiment.example()
(ARM,) = FOUND["arms"]


def test_arms_and_differences_are_shown_with_the_verdict(stage: Stage, shell: Shell) -> None:
    challenger = ARM | {"model_version": CHALLENGER, "champion": False, "percent": 10, "estimated_row_count": 180_000}
    shadow = ARM | {"shadow": True, "champion": False, "metrics": []}
    stage.answer(CALL, as_json(FOUND | {"arms": [ARM, challenger, shadow]}))

    said = shell.ok("deployments experiment income").splitlines()

    assert said[0] == "experiment 2 of income since 2026-01-31 17:01:03Z"
    assert [line.split()[:3] for line in said[2:5]] == [
        ["adult/1", "champion", "90%"],
        ["adult/2", "challenger", "10%"],
        ["adult/1", "shadow", "18,000"],
    ]
    assert "0.1420 (0.1270 to 0.1580)" in said[2]
    assert said[5].endswith("of about adult/2 180,000 that were answered")
    assert "-0.0095 (-0.0310 to 0.0120)" in said[7] and "0.7100" in said[7]
    assert said[8] == SENTENCE
    assert "None" not in "".join(said)


def test_an_experiment_is_printed_for_machines(stage: Stage, shell: Shell) -> None:
    stage.answer(CALL, as_json(FOUND))

    assert shell.json("deployments experiment income --number 1") == FOUND
    assert stage.last.query == {"number": "1"}
    assert shell.json("deployments experiment projects/default/deployments/income") == FOUND
    assert stage.last.query == {}


def test_one_version_alone_and_an_experiment_that_ended(stage: Stage, shell: Shell) -> None:
    alone = FOUND | {"comparisons": [], "summary": "adult/1 answers alone", "end_time": "2026-02-01T00:00:00.000Z"}
    stage.answer(CALL, as_json(alone))

    said = shell.ok("deployments experiment income").splitlines()

    assert said[0].endswith(" to 2026-02-01 00:00:00Z")
    assert said[-1] == "adult/1 answers alone"


def test_what_is_not_there_is_a_sentence(stage: Stage, shell: Shell) -> None:
    stage.answer(CALL, problem(404, "NOT_FOUND", "'projects/default/deployments/income' is not there"))

    said = shell.run("deployments experiment income")

    assert said.status == 1 and "is not there" in said.err
