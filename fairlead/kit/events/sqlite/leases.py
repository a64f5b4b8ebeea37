"""Membership of consumer groups: who may consume a topic for a group, and how far the group is.

A lease is a row with an owner and an expiry. The clock is the machine's wall clock; an expiry further ahead than a
lease can be (the clock was set back) counts as expired.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .topic_table import ensure_topic

LEASE_SECONDS = 5.0


@dataclass(frozen=True)
class GroupRow:
    """A group's state on one topic."""

    committed_offset: int
    owner: str | None
    lease_expires: float

    def held_by(self, member: str, now: float) -> bool:
        """Return True while `member` holds a lease that has not run out."""
        return self.owner == member and self._alive(now)

    def free_for(self, member: str, now: float) -> bool:
        """Return True where `member` may take or keep the lease."""
        return self.owner is None or self.owner == member or not self._alive(now)

    def _alive(self, now: float) -> bool:
        return now < self.lease_expires <= now + LEASE_SECONDS + 1.0


def find_group(connection: sqlite3.Connection, group: str, topic: str) -> GroupRow | None:
    """Return the group's row of a topic; None where it never consumed it."""
    row = connection.execute(
        """
        SELECT committed_offset, owner, lease_expires FROM consumer_groups
        WHERE group_name = ? AND topic_id = (SELECT topic_id FROM topics WHERE name = ?)
        """,
        (group, topic),
    ).fetchone()
    return GroupRow(*row) if row else None


def acquire(connection: sqlite3.Connection, group: str, topic: str, member: str, now: float) -> GroupRow | None:
    """Take the lease and return the row as it was before, or None where another member holds it.

    A new group starts before the oldest event kept. Runs in a writing transaction.
    """
    bounds = ensure_topic(connection, topic)
    found = find_group(connection, group, topic)
    if found is None:
        found = GroupRow(bounds.first_offset - 1, None, 0.0)
        connection.execute(
            "INSERT INTO consumer_groups (group_name, topic_id, committed_offset) VALUES (?, ?, ?)",
            (group, bounds.topic_id, found.committed_offset),
        )
    if not found.free_for(member, now):
        return None
    connection.execute(
        "UPDATE consumer_groups SET owner = ?, lease_expires = ? WHERE group_name = ? AND topic_id = ?",
        (member, now + LEASE_SECONDS, group, bounds.topic_id),
    )
    return found


def renew(connection: sqlite3.Connection, member: str, now: float) -> None:
    """Put off the expiry of all the member's leases."""
    connection.execute("UPDATE consumer_groups SET lease_expires = ? WHERE owner = ?", (now + LEASE_SECONDS, member))


def release(connection: sqlite3.Connection, member: str) -> None:
    """Give up all the member's leases."""
    connection.execute("UPDATE consumer_groups SET owner = NULL, lease_expires = 0 WHERE owner = ?", (member,))


def store_offset(connection: sqlite3.Connection, group: str, topic: str, member: str, offset: int, now: float) -> bool:
    """Advance the group to `offset`; False, and nothing stored, where the member lost the lease."""
    changed = connection.execute(
        """
        UPDATE consumer_groups SET committed_offset = MAX(committed_offset, ?), lease_expires = ?
        WHERE group_name = ? AND owner = ? AND topic_id = (SELECT topic_id FROM topics WHERE name = ?)
        """,
        (offset, now + LEASE_SECONDS, group, member, topic),
    ).rowcount
    return changed == 1
