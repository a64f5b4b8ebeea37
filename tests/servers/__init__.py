"""Real servers for tests: Kafka, PostgreSQL and S3, each from a URL, a container or a local process."""
