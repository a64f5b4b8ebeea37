"""Who is signed in with a browser: random ids that stand for a principal, so that a cookie never holds a token."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from fairlead.kit.auth import Principal, hash_token
from fairlead.kit.errors import Unauthenticated

SESSION_SECONDS = 12 * 3600
MOST_SESSIONS = 1000


@dataclass(frozen=True)
class _Session:
    principal: Principal
    ends_at: float


class Sessions:
    """Keeps the sessions in memory, by the hashes of their ids; a restart signs everyone out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST_SESSIONS) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        # In the order they were opened, which is also the order they end in.
        self._sessions: dict[str, _Session] = {}

    def open(self, principal: Principal) -> str:
        """Return the id of a new session of a principal; the oldest session ends where there are too many."""
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            while self._sessions and (len(self._sessions) >= self._most or self._oldest_has_ended()):
                del self._sessions[next(iter(self._sessions))]
            self._sessions[hash_token(session_id)] = _Session(principal, self._clock() + SESSION_SECONDS)
        return session_id

    def principal(self, session_id: str) -> Principal:
        """Return who signed in. Raises Unauthenticated for a session that ended or never was."""
        with self._lock:
            session = self._sessions.get(hash_token(session_id))
        if session is None or session.ends_at <= self._clock():
            raise Unauthenticated("the browser's session has ended; sign in again at /login?token=TOKEN")
        return session.principal

    def _oldest_has_ended(self) -> bool:
        return next(iter(self._sessions.values())).ends_at <= self._clock()
