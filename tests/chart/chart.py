"""What helm makes of the chart."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "fairlead"
VARIANTS = ("minimal", "production", "airgapped", "eks", "gke", "aks")
SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
KUBERNETES = "1.34.0"
RELEASE, NAMESPACE = "demo", "ml"

Json = dict[str, Any]


class Refused(Exception):
    """Helm did not accept the values; the message is its own."""


def program(name: str) -> str:
    """Return the path of a program; fails where it is not installed."""
    found = shutil.which(name)
    assert found, f"{name} is not on the PATH; tests of the chart need helm and kubeconform: install both"
    return found


def helm(*arguments: str) -> str:
    """Return what helm prints. Raises Refused."""
    done = subprocess.run([program("helm"), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


@cache
def text(variant: str, *settings: str) -> str:
    """Return the objects of a variant as YAML, each setting as in `--set`. Raises Refused."""
    return _rendered(CHART, variant, settings)


@cache
def objects(variant: str, *settings: str) -> tuple[Json, ...]:
    """Return the objects of a variant. Raises Refused."""
    return tuple(each for each in yaml.safe_load_all(text(variant, *settings)) if each)


def variant_of(file: Path, values: Json) -> str:
    """Return a variant that is the minimal one with other values, which are read from a file as people's are."""
    file.with_suffix(".yaml").write_text(
        yaml.safe_dump(yaml.safe_load((CHART / "ci" / "minimal.yaml").read_text()) | values)
    )
    return str(file)


def notes(folder: Path, variant: str, *settings: str) -> str:
    """Return what an install or upgrade prints, put together in an empty folder. Raises Refused."""
    # Helm shows them to those alone who have a cluster; here they are an object.
    copy = shutil.copytree(CHART, folder / "fairlead")
    (copy / "templates" / "NOTES.txt").rename(copy / "notes.txt")
    (copy / "templates" / "notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes.txt") . | quote }}\n')
    told = _rendered(copy, variant, settings, "--show-only", "templates/notes.yaml")
    return str(yaml.safe_load(told)["notes"])


def of_kind(kind: str, variant: str, *settings: str) -> dict[str, Json]:
    """Return a variant's objects of a kind by name."""
    return {each["metadata"]["name"]: each for each in objects(variant, *settings) if each["kind"] == kind}


def deployment(service: str, variant: str, *settings: str) -> Json:
    """Return a service's Deployment."""
    return of_kind("Deployment", variant, *settings)[f"{RELEASE}-{service}"]


def container(service: str, variant: str, *settings: str) -> Json:
    """Return a service's container."""
    (found,) = deployment(service, variant, *settings)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def job_pods(variant: str, *settings: str) -> dict[str, Json]:
    """Return by service the pods that Jobs are made from."""
    maps = of_kind("ConfigMap", variant, *settings)
    return {
        name.removeprefix(f"{RELEASE}-").removesuffix("-job"): yaml.safe_load(each["data"]["job.yaml"])
        for name, each in maps.items()
        if name.endswith("-job")
    }


def pods(variant: str, *settings: str) -> Iterator[tuple[str, Json]]:
    """Yield every pod that a variant makes, or makes Jobs from: what it is of, and metadata and spec."""
    for each in objects(variant, *settings):
        what = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield what, each
        elif each["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield what, each["spec"]["template"]
        elif each["kind"] == "CronJob":
            yield what, each["spec"]["jobTemplate"]["spec"]["template"]
    for service, pod in job_pods(variant, *settings).items():
        yield f"Job of {service}", pod


def environment(of: Json) -> dict[str, str]:
    """Return the variables of a container that have a value; those from Secrets as "name/key"."""
    told = {}
    for each in of["env"]:
        secret = each.get("valueFrom", {}).get("secretKeyRef")
        told[each["name"]] = f"{secret['name']}/{secret['key']}" if secret else each["value"]
    return told


def _rendered(of: Path, variant: str, settings: tuple[str, ...], *options: str) -> str:
    changes = [part for setting in settings for part in ("--set", setting)]
    values = ["--values", str(CHART / "ci" / f"{variant}.yaml")]
    where = ["--namespace", NAMESPACE, "--kube-version", KUBERNETES]
    return helm("template", RELEASE, str(of), *where, *values, *changes, *options)
