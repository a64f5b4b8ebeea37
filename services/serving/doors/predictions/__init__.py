"""PredictionService: predictions, feedback and batch predictions, asked for by other services."""
