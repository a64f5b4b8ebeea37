from threading import Event, Lock, Thread

import pytest

from fairlead.kit.errors import Unavailable
from services.serving.domain.traffic.unknown_names import KEPT_SECONDS, MOST_KEPT, UnknownNames


class Looks:
    """A clock that tests set, and what counts looks; one in `held` waits for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.failure: Exception | None = None
        self.held: Event | None = None
        self.names = UnknownNames(lambda: self.now)
        self._lock = Lock()

    def look(self) -> None:
        with self._lock:
            self.looks += 1
        if self.held is not None:
            assert self.held.wait(30)
        if self.failure is not None:
            raise self.failure

    def __call__(self, name: str) -> None:
        self.names.look(name, self.look)


@pytest.fixture
def looks() -> Looks:
    return Looks()


def test_a_name_is_looked_for_once_in_a_while(looks: Looks) -> None:
    for _ in range(100):
        looks("a")
    assert looks.looks == 1
    looks("b")
    assert looks.looks == 2
    looks.now += KEPT_SECONDS
    looks("a")
    assert looks.looks == 3


def test_a_look_serves_all_who_came_before_it(looks: Looks) -> None:
    looks.held = Event()
    first = Thread(target=looks, args=("first",))
    first.start()
    while not looks.looks:
        pass
    others = [Thread(target=looks, args=(f"n{number}",)) for number in range(30)]
    for thread in others:
        thread.start()
    looks.held.set()
    for thread in (first, *others):
        thread.join()
    # What came while the first one looked may be newer than what that saw. A late thread may look for itself.
    assert 2 <= looks.looks < 31


def test_while_the_database_is_away_it_is_asked_seldom_and_everyone_is_told(looks: Looks) -> None:
    looks.failure = Unavailable("the database is away", retry_after=1.0)
    told: list[Unavailable] = []
    for number in range(100):
        with pytest.raises(Unavailable, match="the database is away") as raised:
            looks(f"n{number}")
        told.append(raised.value)
    assert looks.looks == 1
    assert len({id(error) for error in told}) == 100
    assert told[-1].retry_after == 1.0
    looks.now += KEPT_SECONDS
    looks.failure = None
    looks("n1")
    assert looks.looks == 2


def test_names_that_anyone_makes_up_take_no_memory_without_end(looks: Looks) -> None:
    for number in range(3 * MOST_KEPT):
        looks(f"n{number}")
    assert len(looks.names._absent_until) == MOST_KEPT


def test_a_failure_of_another_kind_is_told_to_who_met_it(looks: Looks) -> None:
    looks.failure = ZeroDivisionError()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            looks("a")
