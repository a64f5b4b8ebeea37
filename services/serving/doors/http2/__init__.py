"""Connections of HTTP/2 for gRPC: they answer what open_inference predicts quickly, and hand on everything else."""
