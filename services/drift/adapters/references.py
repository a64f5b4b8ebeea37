"""References in the blob store."""

from __future__ import annotations

from fairlead.api.drift.v1 import reference_pb2
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import Internal, InvalidArgument, NotFound
from fairlead.kit.logging import get_logger

from .reference_reader import parse_reference_json

_log = get_logger("fairlead.drift.references")


class BlobReferences:
    """Reads the reference that lies in a model's package."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def load(self, key: str) -> reference_pb2.Reference | None:
        """Return the reference at "<package key>/reference.json"; None where it is absent or can't be read.

        Raises Unavailable where the store is away, so that the caller tries again.
        """
        folder, _, name = key.rpartition("/")
        if not folder:
            return None
        try:
            return parse_reference_json((self._blobs.fetch_folder(folder) / name).read_text(encoding="utf-8"))
        except (NotFound, FileNotFoundError, UnicodeDecodeError) as error:
            _log.warning("a drift reference is not there", key=key, error=str(error))
        except (InvalidArgument, Internal) as error:
            _log.error("a drift reference can't be read", key=key, error=error.message)
        return None
