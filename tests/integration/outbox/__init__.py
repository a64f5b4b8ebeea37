"""State and event agree whenever a process is killed: what is committed is told, after the restart at the latest."""
