"""What is installed from the wheel: everything with an extra, almost nothing without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.data import ROOT, SHARED_DATA
from tests.e2e.running import RunningFairlead

pytestmark = pytest.mark.e2e

UV = Path(sys.executable).with_name("uv")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_", "COVERAGE"))
    }
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--wheel", "--out-dir", folder, ROOT)
    (built,) = folder.glob("fairlead-*.whl")
    return built


def environment_with(folder: Path, *requirements: str) -> Path:
    run(UV, "venv", "--python", sys.executable, folder)
    constraints = folder / "constraints.txt"
    # The lock's versions without its hashes, which pip refuses for a local wheel.
    pinned = [line.split(" \\")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    constraints.write_text("\n".join(pinned))
    run(UV, "pip", "install", "--python", folder / "bin" / "python", "--constraint", constraints, *requirements)
    return folder / "bin" / "python"


def top_level_packages(python: Path) -> set[str]:
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    return {path.name for path in site.iterdir()}


def test_the_plain_install_is_client_and_command_line_only(wheel: Path, tmp_path: Path) -> None:
    python = environment_with(tmp_path / "plain", str(wheel))

    packages = top_level_packages(python)
    refused = subprocess.run(
        [python, "-m", "fairlead.cli.main", "up"], capture_output=True, text=True, env={"HOME": str(tmp_path)}
    )

    assert "fairlead" in packages
    assert not packages & {"services", "tests", "grpc", "google", "numpy", "pandas", "sklearn", "mlflow", "bentoml"}
    assert run(python, "-c", "import fairlead; print(fairlead.Client.__name__)").strip() == "Client"
    assert refused.returncode == 1
    assert "fairlead[all]" in refused.stderr


def test_the_extra_all_gives_up_and_the_whole_job(
    wheel: Path, tmp_path: Path, fresh_back_ends: Mapping[str, str]
) -> None:
    python = environment_with(tmp_path / "all", f"fairlead[all] @ {wheel.as_uri()}")
    home = tmp_path / "home"
    home.mkdir()

    packages = top_level_packages(python)
    fairlead = RunningFairlead.start(home, executable=python, environment=fresh_back_ends)
    try:
        with fairlead.client() as client:
            client.datasets.upload(SHARED_DATA / "heart_disease" / "heart_disease.csv", "heart")
            workflow = client.workflows.start("heart", target="num > 0", budget="10s")
            finished = client.workflows.wait(workflow["name"])
            client.deployments.create("heart", "heart")
            answer = client.deployments.predict("heart", client.datasets.rows("heart", 3))
    finally:
        stopped = fairlead.stop()

    assert not packages & {"services", "tests"}
    assert finished["state"] == "succeeded"
    assert {p["label"] for p in answer["predictions"]} <= {"true", "false"}
    assert stopped == 0
