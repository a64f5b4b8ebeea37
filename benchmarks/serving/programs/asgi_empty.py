"""Floor: uvicorn with nothing behind it. Usage: asgi_empty.py PORT"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
BODY = {"type": "http.response.body"}


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    await receive()
    await send(START)
    await send(BODY)


uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off", log_level="error")
