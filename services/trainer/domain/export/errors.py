"""Why a model can't be exported."""

from __future__ import annotations


class ExportError(Exception):
    """The model can't be one ONNX graph; the message says why, and the native runtime serves instead."""
