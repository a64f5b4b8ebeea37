"""A PostgreSQL server for tests."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.ports import free_port
from tests.servers.container import ContainerServer, image_for
from tests.servers.ladder import SCRIPT, climb, given_url
from tests.servers.process import Account, ProcessServer, require_program
from tests.servers.server import Server, wait_until_ready

URL = "DATABASE_URL"
IMAGE = "FAIRLEAD_TEST_POSTGRES_IMAGE"
_USER, _PASSWORD = "fairlead", "fairlead"
# What is lost with the machine's power may be lost here; what is committed outlives a killed server all the same.
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=300")


class Postgres:
    """The server that tests share; where the environment names one, that."""

    def __init__(self) -> None:
        self.url = given_url(URL)
        self._server: Server | None = None
        if self.url:
            return
        self._port = free_port()
        self.url = f"postgresql://{_USER}:{_PASSWORD}@127.0.0.1:{self._port}/fairlead"
        self._server = climb("PostgreSQL", URL, self._as_container, self._as_process)
        self._server.start()
        self._wait()

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._run(f'CREATE DATABASE "{name}"')
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop a database that new_database made, whoever is still connected."""
        self._run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def close(self) -> None:
        """End what was started."""
        if self._server is not None:
            self._server.discard()

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _wait(self) -> None:
        import psycopg

        assert self._server is not None
        wait_until_ready("PostgreSQL", self._server, self._answers, psycopg.OperationalError)

    def _answers(self) -> None:
        self._run("SELECT 1")

    def _as_container(self) -> Server:
        image = image_for(IMAGE, "postgres:18", "fairlead-test-postgres:15")
        environment = {"POSTGRES_USER": _USER, "POSTGRES_PASSWORD": _PASSWORD, "POSTGRES_DB": "fairlead"}
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        return ContainerServer(image, 5432, self._port, environment, ["postgres", *options])

    def _as_process(self) -> Server:
        advice = f"run {SCRIPT}, or install PostgreSQL 15 or newer"
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
        initdb, postgres = (require_program(name, advice, *installed) for name in ("initdb", "postgres"))
        account = Account.other_than_root()
        folder = account.new_folder("postgres")
        password = folder / "password"
        password.write_text(_PASSWORD)
        password.chmod(0o644)
        data = folder / "data"
        encoding = ["--encoding=UTF8", "--locale=C.UTF-8"]
        account.run([initdb, "-D", data, "-U", _USER, f"--pwfile={password}", "--auth=scram-sha-256", *encoding])
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        address = ["-h", "127.0.0.1", "-p", str(self._port), "-c", "unix_socket_directories="]
        # In single-user mode the database is there before the server is, so that "it answers" means all is ready.
        account.run(["sh", "-c", f'echo "CREATE DATABASE fairlead" | "{postgres}" --single -D "{data}" postgres'])
        return ProcessServer(
            [postgres, "-D", data, *address, *options], folder, account=account, stop_signal=signal.SIGINT
        )
