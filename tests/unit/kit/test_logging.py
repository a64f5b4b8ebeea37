from __future__ import annotations

import json
import subprocess
import sys


def run(program: str) -> list[dict[str, str]]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_json_with_the_trace_it_belongs_to() -> None:
    (line,) = run(
        "from fairlead.kit.logging import configure_logging, get_logger\n"
        "from fairlead.kit.tracing import configure_tracing, span\n"
        "configure_logging('demo'); configure_tracing('demo')\n"
        "with span('work'): get_logger('a.b').info('did it', rows=3)\n"
    )

    assert line["event"] == "did it"
    assert line["service"] == "demo"
    assert line["level"] == "info"
    assert line["rows"] == 3
    assert len(line["trace_id"]) == 32


def test_the_standard_librarys_loggers_are_json_too() -> None:
    (line,) = run(
        "import logging\n"
        "from fairlead.kit.logging import configure_logging\n"
        "configure_logging('demo', 'WARNING')\n"
        "logging.getLogger('lib').info('quiet'); logging.getLogger('lib').error('loud')\n"
    )

    assert (line["event"], line["level"], line["logger"]) == ("loud", "error", "lib")
