"""Work of tasks as Jobs of a Kubernetes cluster; runner.py tells how."""
