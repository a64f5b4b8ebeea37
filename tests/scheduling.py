"""Which test files share a worker of a test run, and which begin first, where tests run on several workers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadFileScheduling

# Files of which each would have to start and train for itself what the others have already.
TOGETHER = {
    "one running Fairlead": (
        "tests/e2e/test_cli.py",
        "tests/e2e/test_drift.py",
        "tests/e2e/test_export.py",
        "tests/e2e/test_inputs.py",
        "tests/e2e/test_job.py",
        "tests/e2e/test_serving.py",
        "tests/e2e/test_up.py",
    ),
    "one busy Fairlead's backup": (
        "tests/integration/backup/test_embedded.py",
        "tests/integration/backup/test_real.py",
    ),
}
# The longest, longest first, so that none is left over at the end while the other workers have nothing to do.
FIRST = (
    *TOGETHER["one running Fairlead"],
    *TOGETHER["one busy Fairlead's backup"],
    "tests/e2e/test_kill.py",
    "tests/e2e/",
    "tests/integration/observability/",
    "tests/integration/test_trainer_service.py",
    "tests/integration/postgres/",
    "tests/integration/kafka_faults/",
    "tests/integration/kafka/",
    "tests/integration/event_log/",
    "tests/integration/test_serving_",
    "tests/integration/test_services_on_s3.py",
    "tests/unit/kit/tasks/test_owner.py",
    "tests/unit/drift/domain/test_judge.py",
    "tests/unit/kit/kafka/test_sender.py",
    "tests/unit/drift/",
)

_GROUPS = {file: group for group, files in TOGETHER.items() for file in files}


class FileScheduling(LoadFileScheduling):
    """Gives a worker a whole file at a time, or the files that belong together, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _GROUPS.get(file, file)


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return tests with those of the longest files first, otherwise in their order."""
    return sorted(items, key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((rank for rank, prefix in enumerate(FIRST) if nodeid.startswith(prefix)), len(FIRST))
