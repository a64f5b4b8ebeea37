"""A service that owns one task and does nothing else; for tests that kill it."""

from __future__ import annotations

import signal
import sys

from google.protobuf.wrappers_pb2 import StringValue

from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.events import open_event_log
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, LocalRunner, TaskOwner, TaskStore

if __name__ == "__main__":
    settings = KitSettings()
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    store = TaskStore(engine, open_event_log(settings.events_url, source="kit"), "kit")
    owner = TaskOwner(store, LocalRunner("tests.unit.kit.tasks.sample_worker"))
    kind, request = sys.argv[1:]
    owner.submit(store.create("shop", kind, StringValue(value=request), request_id="only"))
    signal.pause()
