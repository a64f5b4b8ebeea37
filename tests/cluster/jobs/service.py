"""A service that has one task done as a Job; for tests that kill it. Arguments: kubeconfig, namespace, gate."""

from __future__ import annotations

import signal
import sys

from google.protobuf.wrappers_pb2 import StringValue
from kubernetes import config

from fairlead.kit import backends
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskOwner, TaskStore
from fairlead.kit.tasks.kubernetes.cluster import Cluster
from fairlead.kit.tasks.kubernetes.options import JobOptions
from fairlead.kit.tasks.kubernetes.runner import KubernetesRunner
from tests.cluster.jobs.place import template

if __name__ == "__main__":
    kubeconfig, namespace, gate = sys.argv[1:]
    settings = KitSettings()
    store = TaskStore(backends.database(settings), backends.event_log(settings), "kit")
    cluster = Cluster(config.new_client_from_config(config_file=kubeconfig), namespace)
    runner = KubernetesRunner(cluster, template(settings.home), "job_work", JobOptions(600, 300, 300))
    owner = TaskOwner(store, runner)
    owner.submit(store.create("shop", "wait", StringValue(value=gate)))
    signal.pause()
