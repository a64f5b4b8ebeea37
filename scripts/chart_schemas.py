"""Get the schemas that `kubeconform -strict` checks the chart's objects against, and print their folder.

Those of Kubernetes come in a package of PyPI; those of operators' objects are made of the definitions in their Go
modules. Strimzi has no such module: tests/chart/schemas holds what we write of its objects. What was fetched is kept
below ~/.cache/fairlead-chart-schemas, or FAIRLEAD_CHART_SCHEMAS_FOLDER.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

KUBERNETES = "1.34.0"
PACKAGE = "kubernetes-validate==1.37.0"
_IN_PACKAGE = f"kubernetes_validate/kubernetes-json-schema/v{KUBERNETES}-local-strict/"
DEFINITIONS = {
    "github.com/kedacore/keda/v2@v2.18.1": (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    "github.com/cert-manager/cert-manager@v1.19.1": (
        "deploy/crds/cert-manager.io_certificates.yaml",
        "deploy/crds/cert-manager.io_issuers.yaml",
    ),
    "github.com/cloudnative-pg/cloudnative-pg@v1.27.1": ("config/crd/bases/postgresql.cnpg.io_clusters.yaml",),
}
_NUMBER_OR_TEXT = {"type": ["integer", "string"]}


def folder() -> Path:
    """Return the folder of the schemas of these versions."""
    given = os.environ.get("FAIRLEAD_CHART_SCHEMAS_FOLDER")
    home = Path(given) if given else Path.home() / ".cache" / "fairlead-chart-schemas"
    versions = json.dumps([KUBERNETES, PACKAGE, DEFINITIONS]).encode()
    return home / hashlib.sha256(versions).hexdigest()[:12]


def locations(schemas: Path) -> list[str]:
    """Return what kubeconform's -schema-location takes."""
    ours = Path(__file__).resolve().parent.parent / "tests" / "chart" / "schemas"
    operators = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
    return [
        f"{schemas}/kubernetes/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        f"{schemas}/{operators}",
        f"{ours}/{operators}",
    ]


def fetch() -> Path:
    """Return the folder of the schemas, fetched where they are not there. Raises SystemExit with what is missing."""
    target = folder()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all.
    with tempfile.TemporaryDirectory(dir=target.parent) as part:
        made = Path(part, "schemas")
        _fetch_kubernetes(made / "kubernetes")
        for module, files in DEFINITIONS.items():
            _fetch_operator(module, files, made)
        made.rename(target)
    return target


def strict(schema: Json) -> Json:
    """Return a definition's schema that refuses fields it does not name, as the API server does when asked to."""
    if schema.get("x-kubernetes-int-or-string"):
        return dict(_NUMBER_OR_TEXT)
    made = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if "properties" in schema:
        made["properties"] = {name: strict(each) for name, each in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = strict(schema[key])
    return made


def _fetch_kubernetes(target: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        _run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads, PACKAGE)
        (wheel,) = Path(downloads).glob("*.whl")
        target.mkdir(parents=True)
        with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as packed:
            for name in packed.namelist():
                if name.startswith(_IN_PACKAGE):
                    schema = json.loads(packed.read(name).replace(b'"/api/', b'"'))
                    # They name each other by addresses of the Web: here they lie beside each other.
                    schema.pop("$id", None)
                    (target / Path(name).name).write_text(json.dumps(schema))


def _fetch_operator(module: str, files: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        told = json.loads(_run("go", "mod", "download", "-json", module, cwd=elsewhere))
    for file in files:
        definition = yaml.safe_load(Path(told["Dir"], file).read_text())
        for path, schema in _schemas_of(definition["spec"]):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(json.dumps(schema))


def _schemas_of(spec: Json) -> Iterator[tuple[str, Json]]:
    """Yield the path and the schema of each version."""
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        yield f"{spec['group']}/{spec['names']['kind'].lower()}_{version['name']}.json", schema


def _run(*command: str, cwd: str | None = None) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout
    except FileNotFoundError as error:
        raise SystemExit(f"the chart's schemas need {command[0]}: install it") from error
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(command)} failed:\n{error.stdout}{error.stderr}") from error


if __name__ == "__main__":
    print(fetch())
