"""The file of the pod template, and what is said of one that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import LocalRunner, runner_for
from fairlead.kit.tasks.kubernetes.template import load_template

GOOD = "metadata: {labels: {team: data}}\nspec: {containers: [{name: worker, image: i}]}\n"


def written(folder: Path, text: str) -> str:
    path = folder / "job.yaml"
    path.write_text(text)
    return str(path)


def test_a_template_has_metadata_and_a_spec(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, GOOD))

    assert template["metadata"] == {"labels": {"team": "data"}}
    assert template["spec"]["containers"][0]["name"] == "worker"


def test_a_pod_template_object_is_taken_too(tmp_path: Path) -> None:
    inner = "\n".join(f"  {line}" for line in GOOD.splitlines())

    template = load_template(written(tmp_path, f"apiVersion: v1\nkind: PodTemplate\ntemplate:\n{inner}\n"))

    assert template == load_template(written(tmp_path, GOOD))


def test_metadata_may_be_left_out(tmp_path: Path) -> None:
    assert load_template(written(tmp_path, "spec: {containers: [{name: any}]}"))["metadata"] == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "can't be read"),
        ("just words", "no list spec.containers"),
        ("spec: {containers: {}}", "no list spec.containers"),
        ("spec: {containers: []}", "one container, or one named 'worker'"),
        ("spec: {containers: [{name: a}, {name: b}]}", "it has ['a', 'b']"),
    ],
)
def test_a_template_that_can_not_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(FailedPrecondition) as told:
        load_template(path)
    assert words in told.value.message
    assert path in told.value.message


def test_without_a_template_no_service_makes_jobs(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="FAIRLEAD_JOB_TEMPLATE_FILE"):
        runner_for(KitSettings(home=tmp_path, runner="kubernetes"), "a.worker")
    with pytest.raises(FailedPrecondition, match="can't be read"):
        runner_for(KitSettings(home=tmp_path, runner="kubernetes", job_template_file="/absent"), "a.worker")


def test_work_runs_in_child_processes_unless_told_otherwise(tmp_path: Path) -> None:
    assert isinstance(runner_for(KitSettings(home=tmp_path), "a.worker"), LocalRunner)
