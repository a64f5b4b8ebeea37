"""The event log on Apache Kafka, through kafka-python; see event_log.py. It is imported where a URL asks for it."""
