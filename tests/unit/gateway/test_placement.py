"""Deployments keep to their endpoints, and none has much more to do than the others."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from services.gateway.domain.placement import HEADROOM, Placement

ENDPOINTS = [f"10.0.0.{number}:7404" for number in range(20)]
DEPLOYMENTS = [f"projects/p/deployments/d{number}" for number in range(1000)]


def test_a_deployment_has_the_same_endpoint_whatever_order_they_are_told_in() -> None:
    forwards, backwards = Placement(ENDPOINTS), Placement(reversed(ENDPOINTS))

    assert [forwards.choose(each) for each in DEPLOYMENTS] == [backwards.choose(each) for each in DEPLOYMENTS]


def test_deployments_are_shared_out_evenly() -> None:
    placement = Placement(ENDPOINTS)

    held = Counter(placement.choose(each) for each in DEPLOYMENTS)

    assert len(held) == len(ENDPOINTS)
    assert max(held.values()) < 2 * len(DEPLOYMENTS) / len(ENDPOINTS)


def test_only_the_deployments_of_an_endpoint_that_leaves_move() -> None:
    placement = Placement(ENDPOINTS)
    before = {each: placement.choose(each) for each in DEPLOYMENTS}

    placement.set_endpoints(ENDPOINTS[1:])

    moved = [each for each in DEPLOYMENTS if placement.choose(each) != before[each]]
    assert moved == [each for each in DEPLOYMENTS if before[each] == ENDPOINTS[0]]
    assert 0 < len(moved) < 2 * len(DEPLOYMENTS) / len(ENDPOINTS)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 20])
def test_whichever_of_any_number_leaves_fewer_than_two_shares_move(count: int) -> None:
    endpoints = ENDPOINTS[:count]
    before = {each: Placement(endpoints).choose(each) for each in DEPLOYMENTS}

    for gone in endpoints:
        after = Placement(endpoint for endpoint in endpoints if endpoint != gone)
        moved = [each for each in DEPLOYMENTS if after.choose(each) != before[each]]

        assert {before[each] for each in moved} == {gone}
        assert len(moved) < 2 * len(DEPLOYMENTS) / count


@pytest.mark.parametrize("count", [2, 5, 20])
def test_fewer_than_two_shares_move_to_an_endpoint_that_joins(count: int) -> None:
    before, after = Placement(ENDPOINTS[: count - 1]), Placement(ENDPOINTS[:count])

    moved = [each for each in DEPLOYMENTS if before.choose(each) != after.choose(each)]

    assert {after.choose(each) for each in moved} == {ENDPOINTS[count - 1]}
    assert len(moved) < 2 * len(DEPLOYMENTS) / count


@pytest.mark.parametrize("under_way", [10, 100, 1_000])
def test_under_load_no_endpoint_has_more_than_its_bound_whatever_is_asked_for(under_way: int) -> None:
    placement = Placement(ENDPOINTS[:8])

    for number in range(under_way):
        # Half of all calls are for one deployment.
        placement.begin(placement.choose(DEPLOYMENTS[0 if number % 2 else number]))
        most = max(map(placement.under_way, placement.endpoints))
        assert most <= math.ceil(HEADROOM * (number + 1) / 8)


def test_an_endpoint_that_comes_back_has_its_deployments_again() -> None:
    placement = Placement(ENDPOINTS)
    before = [placement.choose(each) for each in DEPLOYMENTS]

    placement.set_endpoints(ENDPOINTS[1:])
    placement.set_endpoints(ENDPOINTS)

    assert [placement.choose(each) for each in DEPLOYMENTS] == before


def test_calls_of_one_deployment_spread_once_its_endpoint_has_more_than_its_share() -> None:
    placement = Placement(ENDPOINTS[:4])

    for _ in range(100):
        placement.begin(placement.choose(DEPLOYMENTS[0]))

    held = Counter({each: placement.under_way(each) for each in placement.endpoints})
    assert held[placement.order(DEPLOYMENTS[0])[0]] == max(held.values())
    assert max(held.values()) <= HEADROOM * 101 / 4 + 1


def test_a_lone_call_goes_to_the_deployments_own_endpoint() -> None:
    placement = Placement(ENDPOINTS)

    for deployment in DEPLOYMENTS[:50]:
        endpoint = placement.choose(deployment)
        placement.begin(endpoint)
        placement.end(endpoint)

        assert endpoint == placement.order(deployment)[0]


def test_an_endpoint_to_avoid_is_taken_only_where_there_is_no_other() -> None:
    placement = Placement(ENDPOINTS[:2])
    first, second = placement.order(DEPLOYMENTS[0])

    assert placement.choose(DEPLOYMENTS[0], frozenset({first})) == second
    assert placement.choose(DEPLOYMENTS[0], frozenset({first, second})) == first


def test_calls_that_end_at_an_endpoint_that_left_are_no_longer_counted() -> None:
    placement = Placement(ENDPOINTS[:2])
    placement.begin(ENDPOINTS[0])

    placement.set_endpoints(ENDPOINTS[1:2])
    placement.end(ENDPOINTS[0])

    assert placement.choose(DEPLOYMENTS[0]) == ENDPOINTS[1]


def test_without_endpoints_nothing_can_be_chosen() -> None:
    with pytest.raises(LookupError):
        Placement().choose(DEPLOYMENTS[0])
