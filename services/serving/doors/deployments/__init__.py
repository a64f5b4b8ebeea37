"""DeploymentService: what serves which model versions, and how their traffic is split."""
