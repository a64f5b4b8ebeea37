"""Traces: whose are kept, what is passed on, and that nothing is begun for them where they go nowhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.observability.otlp_receiver import Receiver
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331"

# A process configures its tracing once, so that each of these is a process of its own.
PROGRAM = """
import sys
from fairlead.kit.tracing import configure_tracing, extract, inject, is_exported, sampled, span, within

configure_tracing("test", sys.argv[1], float(sys.argv[2]))
"""


def run(code: str, endpoint: str = "", ratio: float = 1.0) -> str:
    """Return what a process prints whose tracing is configured so."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, endpoint, str(ratio)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


FOLLOW = f"""
carrier = {{}}
with span("work", extract({{"traceparent": "{CALLER}-" + FLAGS}})):
    inject(carrier)
print(carrier["traceparent"])
"""


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_a_call_is_sampled_as_its_caller_says_whatever_the_ratio(flags: str, ratio: float) -> None:
    passed_on = run(FOLLOW.replace("FLAGS", repr(flags)), ratio=ratio)

    assert passed_on.startswith(f"00-{TRACE}-") and passed_on.endswith(f"-{flags}")
    assert not passed_on.startswith(CALLER)


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, "0"), (1.0, "100")])
def test_of_the_calls_without_a_trace_the_ratio_is_sampled(ratio: float, expected: str) -> None:
    code = """
found = 0
for _ in range(100):
    with span("work"):
        found += sampled() is not None
print(found)
"""
    assert run(code, ratio=ratio) == expected


def test_without_an_endpoint_nothing_is_exported() -> None:
    assert run("print(is_exported())") == "False"


def test_spans_reach_a_receiver_by_the_end_of_the_process_as_children_and_with_links() -> None:
    receiver = Receiver()
    code = f"""
with span("asked", extract({{"traceparent": "{CALLER}-01"}})):
    first = sampled()
with span("other"):
    second = sampled()
with span("later", within(first), links=[second], rows=2):
    pass
print(is_exported(), format(second.trace_id, "032x"))
"""
    try:
        exported, other = run(code, receiver.endpoint).split()

        until(lambda: len(receiver.spans()) == 3, "the spans")
        spans = {span.name: span for span in receiver.spans()}
    finally:
        receiver.close()
    assert exported == "True"
    assert {span.service for span in spans.values()} == {"fairlead-test"}
    assert spans["asked"].trace == spans["later"].trace == TRACE
    assert spans["later"].parent == spans["asked"].id
    assert spans["later"].links == (other,)


def test_a_receiver_that_is_away_neither_fails_nor_holds_up_the_work() -> None:
    code = """
import time
started = time.monotonic()
for _ in range(1000):
    with span("work"):
        pass
print(time.monotonic() - started < 5)
"""
    assert run(code, "http://127.0.0.1:1") == "True"
