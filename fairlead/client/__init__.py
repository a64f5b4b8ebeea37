"""The Python client over Fairlead's REST API."""

from fairlead.client.client import Client
from fairlead.client.connection import Connection, NotConnected, find_connection
from fairlead.client.errors import ApiError, TaskFailed
from fairlead.client.transport import Json

__all__ = ["ApiError", "Client", "Connection", "Json", "NotConnected", "TaskFailed", "find_connection"]
