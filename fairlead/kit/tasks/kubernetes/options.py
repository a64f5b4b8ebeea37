"""What an operator says of the Jobs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JobOptions:
    """Bounds in seconds: of a Job's whole life, of what it may wait for a node, and of what it stays once it ended.

    Jobs are deleted with the ConfigMap `owner`, if one is named.
    """

    deadline_seconds: int
    start_seconds: int
    ttl_seconds: int
    owner: str = ""
