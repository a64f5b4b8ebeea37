"""Request and response models of the REST API, one noun a file."""
