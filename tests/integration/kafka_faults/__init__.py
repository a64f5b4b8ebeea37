"""Faults that Fairlead promises to survive, made on a real Kafka broker, real processes and real kills."""
