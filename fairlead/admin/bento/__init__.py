"""Making a Bento of a model version's package: `bentoml serve` runs it, and nothing of Fairlead is needed there."""

from fairlead.admin.bento.export import ExportedBento, check_export, export_bento

__all__ = ["ExportedBento", "check_export", "export_bento"]
