"""What every event log promises, asked of each kind: one suite, on SQLite files and on a real Kafka broker."""
