"""The work of a "train" task: search, select, refit, evaluate, and keep what came of it."""

from __future__ import annotations

import time

from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.run_pb2 import LeaderboardEntry, Run
from fairlead.api.trainer.v1.run_service_pb2 import CreateRunRequest, GetLeaderboardResponse
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import Checkpoints, CheckpointWriter, TaskContext

from ..adapters.journal import TrialJournal
from ..adapters.runs import FAILED, FINISHED, RUN_NAME, RUNNING, RunRecord
from ..adapters.tracking import TASK_TAG
from ..adapters.winner import StoredWinner, dump_winner
from ..convert import budget_seconds, dataset_id, resolve_spec, task_type_name
from ..convert_preparation import step_specs
from ..domain.families import load_libraries
from ..domain.metrics import Metric, find_metric
from ..domain.ranking import rank
from ..domain.search import Budget, Trial
from ..domain.training import Training, TrainingPlan, TrainingResult
from .progress import ProgressReporter
from .resources import Resources, load_table

# Of an interrupted attempt's time this share at most counts, so that a restart has some left to finish in.
_SPENT_AT_MOST = 0.75


def train(context: TaskContext, resources: Resources) -> Run:
    """Train and return the finished Run; an attempt after a restart goes on with the trials of the one before."""
    request = context.request(CreateRunRequest)
    preparation = resources.preparations.get(request.spec.preparation)
    metric = find_metric(request.spec.metric, task_type_name(preparation.task_type))
    run = _begin(context, resources, preparation, metric)
    if run.status == FINISHED:
        return run
    try:
        return _train(context, resources, preparation, run, metric)
    except Exception:
        resources.runs.end(run, FAILED)
        resources.tracking.finish(_run_id(run), "FAILED")
        resources.runs.mark_told(run)
        raise


def _begin(context: TaskContext, resources: Resources, preparation: Preparation, metric: Metric) -> Run:
    """The run of this task, new or begun by an earlier attempt; known to MLflow and to the table of runs."""
    known = resources.runs.of_task(context.task.name)
    if known is not None:
        context.progress(0.02, "read", resource=known.run.name)
        return known.run
    request = context.request(CreateRunRequest)
    spec = resolve_spec(request.spec)
    project = parse_name("projects/{project}", request.parent)["project"]
    experiment = f"{project}.{dataset_id(preparation.dataset_version)}"
    tags = {
        TASK_TAG: context.task.name,
        "fairlead.project": project,
        "fairlead.preparation": preparation.name,
        "fairlead.dataset_version": preparation.dataset_version,
        "fairlead.target": preparation.target.column,
    }
    run_id = resources.tracking.start_run(experiment, context.task.name.rpartition("/")[2], tags)
    resources.tracking.log_params(
        run_id,
        {
            "metric": metric.name,
            "budget_seconds": budget_seconds(spec),
            "seed": spec.seed,
            "holdout": spec.holdout,
            "families": ",".join(spec.families) or "all",
        },
    )
    run = Run(
        name=RUN_NAME.format(project=project, run=run_id),
        spec=spec,
        task=context.task.name,
        dataset_version=preparation.dataset_version,
        target=preparation.target,
        task_type=preparation.task_type,
        metric=metric.name,
        status=RUNNING,
    )
    run.create_time.GetCurrentTime()
    resources.runs.add(run)
    context.progress(0.02, "read", resource=run.name)
    return run


def _train(context: TaskContext, resources: Resources, preparation: Preparation, run: Run, metric: Metric) -> Run:
    table = load_table(resources, preparation)
    context.log("train.read", f"{table.row_count} rows and {len(table.inputs)} columns to train on")
    plan = TrainingPlan(
        steps=step_specs(preparation.steps),
        families=tuple(run.spec.families),
        metric=metric,
        folds=run.spec.folds,
        seed=run.spec.seed,
        holdout=run.spec.holdout,
        threads=resources.settings.threads,
    )
    load_libraries()
    checkpoints = Checkpoints(resources.blobs, run.task)
    with CheckpointWriter(checkpoints) as writer:
        journal = TrialJournal(checkpoints, writer)
        known, budget = _go_on(context, journal, budget_seconds(run.spec))
        reporter = ProgressReporter(context, run.name, metric, budget, resources.tracking, journal, known)
        try:
            result = Training(table, plan, budget, reporter).run(known)
        except ValueError as error:
            raise FailedPrecondition(f"the training of {preparation.name} came to nothing: {error}") from error
        _finish(resources, run, result, reporter, metric)
    context.log("train.done", _summary(result, metric, budget), metrics=result.metrics)
    return run


def _go_on(context: TaskContext, journal: TrialJournal, seconds: float) -> tuple[list[Trial], Budget]:
    """Return the trials of the attempts before, and the budget that they left."""
    known, spent = journal.load()
    if known:
        context.log("train.resume", f"Went on with {len(known)} trials of an interrupted attempt", trials=len(known))
    return known, Budget(seconds, time.monotonic, spent=min(spent, _SPENT_AT_MOST * seconds))


def _finish(resources: Resources, run: Run, result: TrainingResult, reporter: ProgressReporter, metric: Metric) -> None:
    """Keep the winner, the metrics and the leaderboard, here and in MLflow."""
    for trial in result.trials:
        reporter.log_to_mlflow(trial)
    run.metrics.update(result.metrics)
    run.baseline_metrics.update(result.baseline_metrics)
    run.train_row_count, run.holdout_row_count = result.train.row_count, result.holdout.row_count
    run.status = FINISHED
    run.end_time.GetCurrentTime()
    winner = StoredWinner(result.winner, result.candidate)
    blob = resources.blobs.put_bytes(dump_winner(winner))
    run_id = _run_id(run)
    figures = {f"holdout_{name}": value for name, value in result.metrics.items()}
    figures |= {f"baseline_{name}": value for name, value in result.baseline_metrics.items()}
    resources.tracking.log_metrics(run_id, figures | {f"cv_{metric.name}": _mean(result.scores)})
    resources.tracking.log_params(run_id, {"winner": result.candidate})
    resources.tracking.finish(run_id, "FINISHED")
    leaderboard = GetLeaderboardResponse(
        entries=_entries(result, metric, reporter.mlflow_run_ids),
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
    )
    resources.runs.finish(RunRecord(run, leaderboard, blob.key))


def _entries(result: TrainingResult, metric: Metric, mlflow_run_ids: dict[str, str]) -> list[LeaderboardEntry]:
    return [
        LeaderboardEntry(
            rank=place,
            candidate=entry.candidate,
            family=entry.family,
            score=entry.score,
            score_stddev=entry.score_stddev,
            holdout_metrics=entry.holdout_metrics,
            params={name: str(value) for name, value in entry.params.items()},
            fit_seconds=entry.fit_seconds,
            ensemble_weight=entry.ensemble_weight,
            mlflow_run_id=mlflow_run_ids.get(entry.candidate, ""),
        )
        for place, entry in enumerate(rank(result, metric), start=1)
    ]


def _summary(result: TrainingResult, metric: Metric, budget: Budget) -> str:
    members = ", ".join(f"{weight:.2f} {name}" for name, weight in result.weights.items())
    score, naive = result.metrics[metric.name], result.baseline_metrics[metric.name]
    return (
        f"{result.candidate} ({members}) wins: {metric.name} {score:.4f} on {result.holdout.row_count} held-out rows,"
        f" baseline {naive:.4f}; {len(result.trials)} trials in {budget.elapsed():.1f} s"
    )


def _run_id(run: Run) -> str:
    return run.name.rpartition("/")[2]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
