"""Where the real datasets of the tests lie: the folder shared/data beside the checkout, or FAIRLEAD_TEST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("FAIRLEAD_TEST_DATA") or ROOT.parent / "shared" / "data")

if not SHARED_DATA.is_dir():
    raise RuntimeError(
        f"the tests read real datasets from {SHARED_DATA}, which is not there; put them there, or name their folder in "
        "FAIRLEAD_TEST_DATA (CONTRIBUTING.md says which they are)"
    )
