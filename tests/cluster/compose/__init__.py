"""deploy/compose.yaml, read and started by a real Docker Compose."""
