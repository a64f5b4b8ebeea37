"""Servers for the tests that need real ones (tests/servers tells where they come from), and the tests' order."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator

import pytest
from xdist.remote import Producer

from tests.databases import database_url as database_url
from tests.scheduling import FileScheduling, longest_first
from tests.servers.kafka import Kafka, KafkaBroker
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3, S3Server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail: what is not run is not known to work."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and a skip is a failure here: {report.longrepr}"
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling | None:
    """Let files that belong together go to one worker, in the order that the tests have here."""
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return FileScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest where several workers share the tests."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """host:port of a Kafka broker that all tests share; topics must be made."""
    kafka = Kafka()
    yield kafka.bootstrap
    kafka.close()


@pytest.fixture
def topic_prefix() -> str:
    """A beginning for the names of topics and groups that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def kafka_broker() -> Iterator[KafkaBroker]:
    """A running broker of the test's own, which it may kill and start again."""
    with KafkaBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server that all tests share; it makes databases."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """URL of a database on the shared PostgreSQL server."""
    return postgres_server.url


@pytest.fixture
def postgres_database(postgres_server: Postgres) -> Iterator[str]:
    """URL of an empty database of the test's own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server that all tests share; while it runs, its keys are in the environment, where boto3 looks."""
    s3 = S3()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.address.environment.items():
            patch.setenv(name, value)
        yield s3.address
    s3.close()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    """The name of an empty bucket of the test's own."""
    bucket = s3_server.new_bucket()
    yield bucket
    s3_server.drop(bucket)
