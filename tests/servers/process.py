"""A server as a process of this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers import guard
from tests.servers.ladder import NotHere

STOP_SECONDS = 30.0
_LOG_BYTES = 6_000


def cache_folder() -> Path:
    """Return the folder that scripts/test_servers.sh puts downloaded servers into."""
    set_by_hand = os.environ.get("FAIRLEAD_TEST_SERVERS_FOLDER")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(set_by_hand) if set_by_hand else caches / "fairlead-test-servers"


def require_program(name: str, advice: str, *folders: Path) -> str:
    """Return the path of a program, looked for in the folders and on the PATH; raises NotHere with the advice."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise NotHere(f"no program '{name}'; {advice}")
    return found


@dataclass(frozen=True)
class Account:
    """Who a server runs as; None means whoever runs the tests."""

    name: str | None = None

    @classmethod
    def other_than_root(cls) -> Account:
        """Return an account for servers that refuse to be run by root."""
        if os.geteuid() != 0:
            return cls()
        known = {entry.pw_name for entry in pwd.getpwall()}
        return cls(next(name for name in ("postgres", "nobody") if name in known))

    def new_folder(self, what: str) -> Path:
        """Return a new folder that the account owns and that goes away with the test run."""
        folder = Path(tempfile.mkdtemp(prefix=f"fairlead-test-{what}-"))
        guard.watch("folder", str(folder))
        if self.name is not None:
            shutil.chown(folder, self.name)
        return folder

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a command to its end as the account; fails with what it printed."""
        done = subprocess.run(list(command), capture_output=True, text=True, cwd="/", **self._arguments())
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}{done.stderr}"

    def spawn(
        self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a command as the account, in a session of its own."""
        with log.open("ab") as output:
            return subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                env={**os.environ, **environment},
                **self._arguments(),
            )

    def _arguments(self) -> dict[str, object]:
        return {} if self.name is None else {"user": self.name, "group": pwd.getpwnam(self.name).pw_gid}


class ProcessServer:
    """A server as a process with a folder for its data."""

    def __init__(
        self,
        command: Sequence[str | Path],
        folder: Path,
        *,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._folder = folder
        self._account = account or Account()
        self._environment = environment or {}
        self._stop_signal = stop_signal
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns before it is ready."""
        assert not self.is_running(), "it runs already"
        self._process = self._account.spawn(self._command, self._log, self._environment)
        guard.watch("group", str(self._process.pid))

    def stop(self) -> None:
        """Ask it to end, wait until it has."""
        if self._process is not None and self.is_running():
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill it and its children."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        guard.forget("group", str(self._process.pid))
        self._process = None

    def discard(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        guard.forget("folder", str(self._folder))

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return the end of what it printed."""
        return self._log.read_bytes()[-_LOG_BYTES:].decode(errors="replace") if self._log.exists() else ""
