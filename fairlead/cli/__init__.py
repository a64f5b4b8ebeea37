"""The `fairlead` command: a thin face of the client, one module a noun."""
