"""Predictions that a gateway was asked for, many on one stream: tensors, read by rest, or rows in JSON, read here."""
