"""What keeps processes from doing the same thing at once, on PostgreSQL: the first number of each advisory lock.

The second is the hash of a name. The numbers are any that are fixed and differ; other programs of the same database
have theirs.
"""

from __future__ import annotations

# Around the migrations of one schema, to the end of their transaction.
MIGRATION = 7_400_001
# Around a transaction whose rows must show up in the order of their numbers.
ALONE = 7_400_002
# Around what a library changes in transactions of its own, to the end of the connection.
EXCLUSIVE = 7_400_003
