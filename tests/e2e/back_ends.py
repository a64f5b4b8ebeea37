"""What a Fairlead under test keeps its state in: this machine, or real servers where FAIRLEAD_TEST_BACKENDS=real."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Protocol

from tests.servers.kafka import KafkaBroker
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3

PICK = "FAIRLEAD_TEST_BACKENDS"
KINDS = ("embedded", "real")


class BackEnds(Protocol):
    """Makes what a Fairlead keeps its state in."""

    def fresh(self) -> AbstractContextManager[Mapping[str, str]]:
        """Return empty ones for one Fairlead, as its environment variables, until the context ends."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class Embedded:
    """SQLite and files below home, which need nothing."""

    def fresh(self) -> AbstractContextManager[Mapping[str, str]]:
        """Return an environment that names no back end."""
        return nullcontext({})

    def close(self) -> None:
        """Do nothing."""


class Real:
    """PostgreSQL, Kafka and S3 at once: a database, a broker and a bucket for each Fairlead."""

    def __init__(self) -> None:
        self._postgres = Postgres()
        self._s3 = S3()

    @contextmanager
    def fresh(self) -> Iterator[Mapping[str, str]]:
        """Yield the environment that names all three."""
        with ExitStack() as made:
            database = self._postgres.new_database()
            made.callback(self._postgres.drop, database)
            bucket = self._s3.address.new_bucket()
            made.callback(self._s3.address.drop, bucket)
            broker = made.enter_context(KafkaBroker())
            yield {
                "FAIRLEAD_DATABASE_URL": database,
                "FAIRLEAD_EVENTS_URL": f"kafka://{broker.bootstrap}",
                "FAIRLEAD_BLOBS_URL": f"s3://{bucket}/fairlead",
                "FAIRLEAD_S3_ENDPOINT_URL": self._s3.address.endpoint,
                "FAIRLEAD_S3_REGION": self._s3.address.region,
                **self._s3.address.environment,
            }

    def close(self) -> None:
        """End the shared servers."""
        self._postgres.close()
        self._s3.close()


def picked() -> BackEnds:
    """Return the kind that FAIRLEAD_TEST_BACKENDS names; embedded where it names none."""
    kind = os.environ.get(PICK) or "embedded"
    assert kind in KINDS, f"{PICK} is '{kind}'; it must be one of {', '.join(KINDS)}"
    return Real() if kind == "real" else Embedded()
