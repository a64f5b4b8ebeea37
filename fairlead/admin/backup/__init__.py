"""Backups: `back_up` makes one while Fairlead runs, `verify` proves it whole, `restore` fills an empty Fairlead."""

from fairlead.admin.backup.create import back_up
from fairlead.admin.backup.report import facts, sentence
from fairlead.admin.backup.restore import restore
from fairlead.admin.backup.settings import BackupSettings
from fairlead.admin.backup.verify import verify
from fairlead.kit.errors import FairleadError

__all__ = ["BackupSettings", "FairleadError", "back_up", "facts", "restore", "sentence", "verify"]
