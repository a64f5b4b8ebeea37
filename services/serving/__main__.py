"""Composition root of the serving service: one BentoML worker that holds every door."""

from __future__ import annotations

import functools
import gc
import math
import signal
import sys
from typing import TYPE_CHECKING, Any

from fairlead.kit.auth import verifier
from fairlead.kit.errors import FairleadError
from fairlead.kit.parent import stop_with_parent
from fairlead.kit.rpc.probes import open_probes
from fairlead.kit.service_process import service_process

from .doors.bento.service import bento_app, prepare_bentoml
from .doors.bento.token_gate import TokenGate
from .settings import ServingSettings

if TYPE_CHECKING:
    import uvicorn

SWITCH_SECONDS = 0.0002
"""How long one thread may keep the interpreter while others wait, which a request does three times: the default of 5 ms
shows in its latency, and half a millisecond still in that of many models, whose log is more work."""
COLLECT_AT = 20_000
"""New objects before those in cycles are looked for: requests make few cycles, batches of the log many objects."""


def main() -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    settings = ServingSettings()
    with service_process(settings):
        prepare_bentoml(settings)
        sys.setswitchinterval(SWITCH_SECONDS)
        _serve(settings)


def _serve(settings: ServingSettings) -> None:
    """Run the BentoML worker in this process, so that no other process can be left over.

    Raises Unavailable where a port is taken.
    """
    from fairlead.kit.draining import DrainingServer

    from .doors.rest.server import listen
    from .serving_process import ServingProcess

    probes = open_probes(settings)
    listener = listen(settings.bento_address)
    process = ServingProcess(settings)
    failures: list[FairleadError] = []

    def open_doors() -> None:
        try:
            process.start()
        except FairleadError as error:
            # Raised here it would come out as a traceback of the web framework's.
            failures.append(error)
            server.should_exit = True
        # What is there by now stays: a full collection would stop every request for as long as it takes to look at it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AT)
        if not failures:
            probes.started()

    def drain() -> None:
        probes.draining()
        process.drain.begin()

    app = bento_app(
        process.inference,
        settings,
        functools.partial(TokenGate, verifier=verifier(settings)),
        on_startup=open_doors,
        on_shutdown=process.stop,
        pool=process.bento_pool,
    )
    server = DrainingServer(_server_config(app, settings), on_drain=drain)
    probes.watch(server.pulse, *process.pulses)

    def leave(*_: object) -> None:
        server.should_exit = True

    # For the moments before the server's own handlers; it raises the signal again once it has drained.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    if settings.exit_with_parent:
        stop_with_parent()
    server.run(sockets=[listener])
    probes.close()
    if failures:
        raise failures[0]


def _server_config(app: Any, settings: ServingSettings) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )


if __name__ == "__main__":
    main()
