"""One prediction on a connection of uvicorn's: its body whole to the door, the door's answer to the connection."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from .prediction_door import Answer, Prediction

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CONNECTION = b"connection"
_CLOSE = b"connection: close\r\n"
_NOBODY_WAITS = asyncio.Event()
"""Uvicorn sets it where a connection is lost, and it stays set: nothing waits for it."""


class PredictionCycle(RequestResponseCycle):
    """Stands for uvicorn's cycle, of which an application with its messages would cost more than the prediction."""

    def __init__(self, protocol: HttpToolsProtocol, prediction: Prediction, *, body_limit: int, keep: bool) -> None:
        """Answer the prediction whose head was read; whether to keep the connection is the caller's wish."""
        # What the protocol looks at.
        self.keep_alive = keep
        self.disconnected = self.response_complete = False
        self.more_body = True
        self.message_event = _NOBODY_WAITS
        self._protocol = protocol
        self._prediction = prediction
        self._limit = body_limit
        self._parts: list[bytes] = []
        self._left = body_limit

    def begin(self, told_length: bytes, *, wants_go_ahead: bool) -> None:
        """Refuse at once a body that says it is over the limit; tell who waits for that to send any other."""
        if told_length.isdigit() and int(told_length) > self._limit:
            self._answer(None)
        elif wants_go_ahead:
            self._protocol.transport.write(CONTINUE)

    def take(self, part: bytes) -> None:
        """Take a part of the body; what comes after a refusal is dropped."""
        if not self.more_body:
            return
        self._parts.append(part)
        self._left -= len(part)
        if self._left < 0:
            self._parts.clear()
            self._answer(None)

    def complete(self) -> None:
        """The body is whole."""
        if self.more_body:
            self._answer(self._parts[0] if len(self._parts) == 1 else b"".join(self._parts))

    def leave(self) -> None:
        """The caller is gone."""
        self.disconnected = True
        if self.more_body:
            self.more_body = False
            self._prediction.leave()

    def _answer(self, body: bytes | None) -> None:
        self.more_body = False
        tasks = self._protocol.tasks
        task = self._protocol.loop.create_task(self._answered(body))
        task.add_done_callback(tasks.discard)
        tasks.add(task)

    async def _answered(self, body: bytes | None) -> None:
        answer = await self._prediction.answer(body)
        flow = self._protocol.flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        if not self.disconnected and not self._protocol.transport.is_closing():
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        protocol, keep = self._protocol, self.keep_alive
        head = [STATUS_LINE[answer.status]]
        for name, value in (*protocol.server_state.default_headers, *answer.headers):
            head.append(b"%b: %b\r\n" % (name, value))
            if name == _CONNECTION:
                keep = False
        if not keep and self.keep_alive is keep:
            head.append(_CLOSE)
        protocol.transport.write(b"".join((*head, b"\r\n", answer.body)))
        self.response_complete = True
        if not keep:
            protocol.transport.close()
        protocol.on_response_complete()
