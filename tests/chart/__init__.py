"""Tests of the Helm chart as it is rendered, by the real helm; `make test-cluster` installs it."""
