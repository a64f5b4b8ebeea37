"""Fairlead on one machine: start every service, keep it running, stop it."""

from fairlead.up.supervisor import Supervisor, UpError

__all__ = ["Supervisor", "UpError"]
