"""The Python client over Fairlead's REST API."""

from fairlead.client.client import Client
from fairlead.client.connection import Connection, find_connection
from fairlead.client.errors import ApiError, FairleadClientError, InvalidRows, NotConnected, TaskFailed, WrongProject
from fairlead.client.transport import Json

__all__ = [
    "ApiError",
    "Client",
    "Connection",
    "FairleadClientError",
    "InvalidRows",
    "Json",
    "NotConnected",
    "TaskFailed",
    "WrongProject",
    "find_connection",
]
