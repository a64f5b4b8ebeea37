"""The edge: tables, the event log's messages, blobs, the serving service, Prometheus."""
