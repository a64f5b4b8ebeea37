"""Fairlead on one machine: start every service, keep it running, stop it."""

from fairlead.up.errors import UpError
from fairlead.up.supervisor import Supervisor

__all__ = ["Supervisor", "UpError"]
