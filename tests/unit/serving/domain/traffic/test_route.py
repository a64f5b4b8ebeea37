import subprocess
import sys
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from fairlead.kit.errors import NotFound
from services.serving.domain.traffic.route import Route
from services.serving.domain.traffic.split import Target, divided
from tests.data import ROOT
from tests.unit.serving.houses import deployed, target, version, with_traffic

KEYS = [f"customer-{number}" for number in range(20_000)]


def route_of(*targets: Target, name: str = "house") -> Route:
    return Route(with_traffic(divided(targets, ()), name))


def no_chance() -> float:
    raise AssertionError("nothing is left to chance here")


def test_one_version_alone_answers_without_being_picked() -> None:
    route = Route(deployed(3))
    assert route.sole is not None
    assert (route.sole.version, route.sole.number) == (version(3), "3")
    assert route_of(target(1, 100), target(2, shadow=True)).sole is not None
    assert route_of(target(1, 99), target(2, 1)).sole is None


def test_without_a_key_chance_gives_each_version_its_share() -> None:
    route = route_of(target(1, 70), target(2, 25), target(3, 5))
    chance = Random(7).random
    counts = Counter(route.pick("", chance).number for _ in range(100_000))
    assert [counts[number] / 1000 for number in "123"] == pytest.approx([70, 25, 5], abs=0.5)
    assert route.pick("", lambda: 0.0).number == "1"
    assert route.pick("", lambda: 1 - 2**-53).number == "3"


def test_a_key_goes_to_the_same_version_each_time_and_keys_are_shared_out() -> None:
    route = route_of(target(1, 70), target(2, 30))
    first = [route.pick(key, no_chance).number for key in KEYS]
    assert [route.pick(key, no_chance).number for key in KEYS] == first
    assert first.count("2") / len(KEYS) == pytest.approx(0.3, abs=0.01)


def test_the_same_key_goes_to_the_same_version_in_another_process() -> None:
    ask = (
        "from tests.unit.serving.domain.traffic.test_route import *\n"
        "route = route_of(target(1, 50), target(2, 50))\n"
        "print(''.join(route.pick(key, no_chance).number for key in [*KEYS[:200], 'Zürich', chr(0xD800)]))"
    )
    answered = {
        subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True).stdout for _ in range(2)
    }
    assert len(answered) == 1
    assert len(set(answered.pop().decode().strip())) == 2


def test_keys_fall_differently_in_another_deployment() -> None:
    one, other = (route_of(target(1, 50), target(2, 50), name=name) for name in ("one", "other"))
    same = sum(one.pick(key, no_chance).number == other.pick(key, no_chance).number for key in KEYS)
    assert same / len(KEYS) == pytest.approx(0.5, abs=0.02)


def test_a_larger_share_takes_keys_and_gives_none() -> None:
    before = divided([target(1, 90), target(2, 10)], ())
    after = divided([target(1, 60), target(2, 40)], before)
    earlier, later = Route(with_traffic(before)), Route(with_traffic(after))
    changes = Counter((earlier.pick(key, no_chance).number, later.pick(key, no_chance).number) for key in KEYS)
    assert changes["2", "1"] == 0
    assert changes["1", "2"] / len(KEYS) == pytest.approx(0.3, abs=0.01)


def test_a_version_is_found_by_its_number_also_a_shadow() -> None:
    route = route_of(target(1, 90), target(2, 10), target(3, shadow=True))
    assert [route.arm(number).version for number in "123"] == [version(1), version(2), version(3)]
    with pytest.raises(NotFound, match="serves versions 1, 2, not 4"):
        route.arm("4")
    with pytest.raises(NotFound, match="serves version 3, not 2"):
        Route(deployed(3)).arm("2")


@pytest.mark.parametrize(("rate", "sampling"), [(0.0, 0.0), (1.0, 0.0), (0.25, 0.25)])
def test_a_rate_of_all_or_none_given_is_no_sampling(rate: float, sampling: float) -> None:
    assert Route(replace(deployed(), log_sampling_rate=rate)).sampling_rate == sampling
