"""The dashboards, one a file."""

from __future__ import annotations

from .drift import DRIFT
from .kafka import KAFKA
from .models import MODELS
from .overview import OVERVIEW
from .serving import SERVING
from .training import TRAINING

ALL = (OVERVIEW, SERVING, MODELS, DRIFT, TRAINING, KAFKA)
