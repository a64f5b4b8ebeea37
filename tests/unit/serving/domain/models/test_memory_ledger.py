"""A process whose memory is a number that the tests change."""

from services.serving.domain.models.memory_ledger import MemoryLedger

BEFORE = 300


class Process:
    def __init__(self) -> None:
        self.resident = self.used = BEFORE

    def grow(self, size: int) -> None:
        self.resident += size
        self.used += size


def ledger_of(process: Process, budget: int = 1000) -> MemoryLedger:
    return MemoryLedger(budget, lambda: process.resident, lambda: process.used)


def loaded(ledger: MemoryLedger, process: Process, version: str, size: int) -> int:
    ledger.expected(version)
    ledger.begin()
    process.grow(size)
    return ledger.end(version)


def test_a_model_costs_what_the_process_grew_by() -> None:
    process = Process()
    ledger = ledger_of(process)
    assert loaded(ledger, process, "a", 70) == 70
    assert loaded(ledger, process, "b", 30) == 30
    assert ledger.total == 100


def test_what_was_held_before_the_first_model_is_not_charged_to_models() -> None:
    process = Process()
    ledger = ledger_of(process, budget=100)
    loaded(ledger, process, "a", 100)
    assert ledger.excess() == 0


def test_a_model_freed_during_a_loading_does_not_make_it_cheaper() -> None:
    process = Process()
    ledger = ledger_of(process)
    loaded(ledger, process, "old", 80)
    ledger.begin()
    ledger.remove(80)
    process.grow(-80)
    process.grow(90)
    assert ledger.end("new") == 90 == ledger.total


def test_a_loading_is_charged_in_full_where_the_process_reuses_freed_pieces_and_does_not_grow() -> None:
    process = Process()
    ledger = ledger_of(process)
    loaded(ledger, process, "old", 80)
    ledger.remove(80)
    process.used -= 80
    ledger.begin()
    process.used += 80
    assert ledger.end("new") == 80


def test_a_version_is_expected_to_take_what_it_took_or_else_the_mean() -> None:
    process = Process()
    ledger = ledger_of(process)
    assert ledger.expected("a") == 0
    loaded(ledger, process, "a", 60)
    loaded(ledger, process, "b", 40)
    assert (ledger.expected("a"), ledger.expected("c")) == (60, 50)
    ledger.forget("a")
    assert (ledger.expected("a"), ledger.expected("c")) == (40, 40)


def test_room_is_wanted_for_what_is_to_come() -> None:
    process = Process()
    ledger = ledger_of(process, budget=100)
    loaded(ledger, process, "a", 60)
    assert ledger.excess(coming=50) == 10


def test_memory_in_no_models_cost_takes_room_from_models() -> None:
    process = Process()
    ledger = ledger_of(process, budget=100)
    loaded(ledger, process, "a", 90)
    process.resident += 30
    assert ledger.excess() == 20


def test_memory_that_never_shrinks_leaves_models_half_of_the_bound() -> None:
    process = Process()
    ledger = ledger_of(process, budget=100)
    loaded(ledger, process, "a", 90)
    process.resident += 5000
    assert ledger.excess() == 40
    ledger.remove(40)
    assert ledger.excess() == 0


def test_memory_is_worth_giving_back_beyond_the_bound_where_much_of_it_is_no_models() -> None:
    process = Process()
    ledger = ledger_of(process, budget=160)
    loaded(ledger, process, "a", 140)
    process.resident += 20
    assert not ledger.is_scattered(), "there is room"
    process.resident += 1
    assert ledger.is_scattered()
    process.resident -= 21
    loaded(ledger, process, "b", 30)
    assert not ledger.is_scattered(), "models hold it"
