"""Events that wait on local disk while Kafka is away; see event_log.py."""
