"""Who is signed in with a browser: a cookie that says so, signed, and that never holds a token."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from itsdangerous import BadData, URLSafeSerializer

from fairlead.kit.auth import Principal
from fairlead.kit.errors import Unauthenticated

SESSION_SECONDS = 12 * 3600


class Sessions:
    """Makes sessions and reads them. Nothing is kept: all who have the same keys take each other's."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time.time) -> None:
        """Sign with the first key, and take what was signed with any of them. Raises ValueError without a key."""
        if not all(keys) or not keys:
            raise ValueError("sessions need a key, or anybody could sign one")
        self._clock = clock
        # The serializer signs with the last one. The salt makes its key good for nothing but this.
        self._serializer = URLSafeSerializer(
            list(reversed(keys)),
            salt="fairlead.browser-session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def open(self, principal: Principal) -> str:
        """Return a new session of a principal, as text that a cookie may hold."""
        ends_at = int(self._clock()) + SESSION_SECONDS
        return str(self._serializer.dumps([principal.name, principal.kind, ends_at]))

    def principal(self, session: str) -> Principal:
        """Return who signed in. Raises Unauthenticated for a session that has ended or was never opened."""
        try:
            name, kind, ends_at = self._serializer.loads(session)
        except BadData:
            ends_at = 0
        if ends_at <= self._clock():
            raise Unauthenticated("the browser's session has ended; sign in again at /login?token=TOKEN")
        return Principal(name, kind)
