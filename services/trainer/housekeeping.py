"""A short child process of the trainer that does what needs MLflow, so that the service itself need not import it.

`python -m <package>.housekeeping` makes MLflow's database where it is missing and ends, in MLflow, the runs whose
task was cancelled or failed.
"""

from __future__ import annotations

from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.logging import configure_logging
from fairlead.kit.resources import parse_name

from .adapters.runs import RUN_NAME, RunTable
from .adapters.schema import MIGRATIONS
from .adapters.tracking import Tracking
from .settings import TrainerSettings


def main() -> None:
    """Do what there is to do, and end."""
    settings = TrainerSettings()
    configure_logging(settings.service, settings.log_level, settings.log_format)
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    tracking = Tracking(settings.trainer_mlflow_url, settings.trainer_mlflow_artifacts)
    tracking.open()
    table = RunTable(engine)
    for run in table.untold():
        tracking.finish(parse_name(RUN_NAME, run.name)["run"], run.status.upper())
        table.mark_told(run)
    engine.dispose()


if __name__ == "__main__":
    main()
