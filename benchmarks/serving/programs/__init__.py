"""Servers that run in environments of their own; none imports Fairlead but for the protocol's generated messages."""
