"""Write deploy/helm/fairlead/README.md from the chart's values and their `# --` comments, or with --check prove it fresh."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "deploy" / "helm" / "fairlead"
README = CHART / "README.md"
_KEY = re.compile(r"^( *)([A-Za-z0-9_]+):")
_COMMENT = re.compile(r"^ *# -- (.+)$")
_INDENT = 2
_LONGEST = 60

HEAD = """# The chart of Fairlead

```
helm install fairlead deploy/helm/fairlead --namespace fairlead --create-namespace --values deploy/helm/fairlead/ci/minimal.yaml
```

Three sets of values are kept in `ci/`, and each is checked with every change:

| file | what for |
| --- | --- |
| `ci/minimal.yaml` | trying out: one namespace, with Kafka, PostgreSQL, S3 and MLflow's pages of its own, a pod each |
| `ci/production.yaml` | Kafka, PostgreSQL and S3 of others; KEDA, cert-manager, the Prometheus operator, network policies |
| `ci/airgapped.yaml` | no way out: images by digest from a registry of one's own, Kafka by Strimzi, PostgreSQL by CloudNativePG |

What needs more than Kubernetes 1.30 is off by default: `autoscaling.mode: keda` needs KEDA, `tls.enabled` cert-manager (or a Secret), `monitoring` the Prometheus operator,
`strimzi` and `cnpg` those operators.

## What it does with the database

Services bring their tables up to date as they start, one at a time under a lock: so it is at an install. Before an upgrade replaces any pod, the Job `RELEASE-migrate` does so with the
new images; where it fails, the upgrade ends and nothing has changed. A rollback leaves the tables as they are.

## What an uninstall leaves

- the volumes of the back ends for trying out, where `dev.persistence.enabled`: `kubectl delete pvc -l app.kubernetes.io/instance=RELEASE`;
- CloudNativePG's cluster, where `cnpg.enabled`: `kubectl delete cluster.postgresql.cnpg.io RELEASE-postgres`;
- Secrets that cert-manager made, which it leaves unless told otherwise;
- what is in Kafka, PostgreSQL and S3 of others.

Tokens that the chart made go: install again, and there are new ones. Name a Secret of your own in `auth.existingSecret` to keep them, and wherever charts are rendered without a cluster
(`helm template`, Argo CD): there the chart can't see what it made before.

## Values

A Secret that is named is never written. Pods are replaced where values change; where only the content of such a Secret does, `kubectl rollout restart deployment`.

| value | default | meaning |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Value:
    """A documented value: its path, what it is by default, what it means."""

    path: str
    default: Any
    meaning: str

    def row(self) -> str:
        """Return its line of the table."""
        shown = "" if self.default in ("", [], {}) else json.dumps(self.default)
        if len(shown) > _LONGEST:
            shown = "see values.yaml"
        else:
            shown = f"`{shown}`" if shown else ""
        return f"| `{self.path}` | {shown} | {self.meaning} |"


def documented(text: str) -> Iterator[Value]:
    """Yield the values that have a `# --` comment above them, in their order."""
    values = yaml.safe_load(text)
    path: list[str] = []
    meaning = ""
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            meaning = comment[1]
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // _INDENT], key[2]]
            if meaning:
                yield Value(".".join(path), _at(values, path), meaning)
            meaning = ""


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the path of every value that is no group of others."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def page() -> str:
    """Return the whole page."""
    rows = [value.row() for value in documented((CHART / "values.yaml").read_text())]
    return HEAD + "\n".join(rows) + "\n"


def _at(values: Any, path: list[str]) -> Any:
    for name in path:
        values = values[name]
    return values


def main() -> None:
    """Write the page, or compare when asked to check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the page is stale")
    if parser.parse_args().check:
        if not README.exists() or README.read_text() != page():
            raise SystemExit(f"{README.relative_to(CHART.parents[2])} is stale; run scripts/chart_docs.py")
        return
    README.write_text(page())


if __name__ == "__main__":
    main()
