"""Runs and trials in MLflow: one experiment a project and dataset, a parent run a Run, a nested run a trial."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ..domain.search import Trial
from .mlflow_database import open_mlflow

TASK_TAG = "fairlead.task"


class Tracking:
    """MLflow's tracking store; MLflow is imported at the first use."""

    def __init__(self, url: str, artifacts: str) -> None:
        self._url = url
        self._artifacts = artifacts.rstrip("/")

    @cached_property
    def client(self) -> Any:
        """The MlflowClient."""
        return open_mlflow(self._url)

    def open(self) -> None:
        """Open the store now, making MLflow's database where it is missing."""
        self.client.search_experiments(max_results=1)

    def start_run(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Return the id of the run of a task (tags must hold it under TASK_TAG), made now or by an earlier attempt."""
        experiment_id = self._experiment(experiment)
        wanted = f"tags.`{TASK_TAG}` = '{tags[TASK_TAG]}'"
        found = self.client.search_runs([experiment_id], filter_string=wanted, max_results=1)
        if found:
            run_id = str(found[0].info.run_id)
            self.client.update_run(run_id, status="RUNNING")
            return run_id
        run = self.client.create_run(experiment_id, run_name=name, tags=dict(tags))
        return str(run.info.run_id)

    def log_trial(self, run_id: str, trial: Trial, metric: str) -> str:
        """Record a trial as a nested run, with its params and score, and return that run's id."""
        experiment_id = self.client.get_run(run_id).info.experiment_id
        tags = {"mlflow.parentRunId": run_id, "fairlead.family": trial.family, "fairlead.origin": trial.origin}
        child = self.client.create_run(experiment_id, run_name=trial.candidate, tags=tags)
        figures = {
            f"cv_{metric}": trial.score,
            f"cv_{metric}_stddev": trial.score_stddev,
            "fit_seconds": trial.seconds,
            "folds": float(len(trial.results)),
        }
        self._log(child.info.run_id, figures, {"family": trial.family, **trial.params})
        self.client.set_terminated(child.info.run_id, "FINISHED")
        return str(child.info.run_id)

    def log_metrics(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record figures of the run itself."""
        self._log(run_id, metrics, {}, step)

    def log_params(self, run_id: str, params: Mapping[str, object]) -> None:
        """Record what the run was asked to do; the same value again, after a restart, is accepted."""
        self._log(run_id, {}, params)

    def finish(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED; unended nested runs end with it."""
        self.client.set_terminated(run_id, status)

    def log_folder(self, run_id: str, folder: Path, artifact_path: str) -> str:
        """Copy a folder into the run's artifacts and return its URI."""
        self.client.log_artifacts(run_id, str(folder), artifact_path)
        return f"{self.client.get_run(run_id).info.artifact_uri.rstrip('/')}/{artifact_path}"

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self.client.create_experiment(name, artifact_location=f"{self._artifacts}/{name}"))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self.client.get_experiment_by_name(name)
        return str(found.experiment_id)

    def _log(self, run_id: str, metrics: Mapping[str, float], params: Mapping[str, object], step: int = 0) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        self.client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, step) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in params.items()],
        )
