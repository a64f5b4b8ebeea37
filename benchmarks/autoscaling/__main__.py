"""How many serving pods there are while the load changes: a simulation with the code and the values that are shipped.

Simulated time, one seed, the same figures each time. What is real: the gateway's placement of models
(services/gateway/domain/placement.py), serving's admission (services/serving/domain/admission.py), and the targets and
the behaviour of deploy/helm/fairlead/values.yaml. The rest is modelled: pods, memories, Prometheus, metrics-server and
the HorizontalPodAutoscaler; what that takes for granted is printed first. Two scenarios: ten times the load within ten
seconds, beside policies that one would have otherwise, and a thousand models on twenty pods, beside round robin.

Usage: python -m benchmarks.autoscaling [--seed 1]
"""

from __future__ import annotations

import argparse

from . import many_models, spike
from .assumptions import Assumptions


def main() -> None:
    """Print the figures; exit 1 where the shipped policy or the placement does not do what is required."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.autoscaling", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    print(f"assumptions\n{Assumptions().told()}")
    verdicts = [spike.main(seed), many_models.main(seed)]
    raise SystemExit(not all(verdicts))


if __name__ == "__main__":
    main()
