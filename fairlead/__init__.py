"""Fairlead: from a table to a served, watched model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairlead.client import ApiError, Client, TaskFailed

__all__ = ["ApiError", "Client", "TaskFailed"]


def __getattr__(name: str) -> Any:
    # Services import parts of this package and never the client, whose HTTP library takes a while to load.
    if name in __all__:
        import fairlead.client

        return getattr(fairlead.client, name)
    raise AttributeError(f"module 'fairlead' has no attribute '{name}'")
