"""Rules about imports that import-linter can't express."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.data import ROOT

SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_its_own_code_relatively(service: str) -> None:
    """The wheel carries services inside the package fairlead, where an absolute name would not be found."""
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "services" / service).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "services")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "services" for alias in node.names))
    ]

    assert absolute == []


@pytest.mark.parametrize("module", ["fairlead", "fairlead.client", "fairlead.cli.main", "fairlead.up"])
def test_what_a_plain_install_gives_loads_no_heavy_library(module: str) -> None:
    heavy = "{'grpc', 'numpy', 'pandas', 'sqlalchemy', 'mlflow', 'pydantic', 'fastapi'}"
    program = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_parts_of_the_house(service: str) -> None:
    folder = ROOT / "services" / service

    missing = [
        part
        for part in ("__main__.py", "settings.py", "README.md", "domain", "adapters")
        if not (folder / part).exists()
    ]

    assert missing == []
