"""Fairlead: from a table to a served, watched model."""

from fairlead.client import ApiError, Client, TaskFailed

__all__ = ["ApiError", "Client", "TaskFailed"]
