from services.serving.domain.statistics import Statistics, StatisticsBook


def a_book() -> StatisticsBook:
    book = StatisticsBook()
    book.succeeded("house", 2, 100, 40, 7, "1")
    book.succeeded("house", 3, 50, 20, 5, "1")
    book.succeeded("house", 1, 10, 5, 9, "2")
    book.failed("house", 30)
    return book


def test_requests_count_for_the_version_that_answered() -> None:
    assert a_book().of("house", "1") == Statistics(requests=2, rows=5, total_ns=150, compute_ns=60, last_ms=5, runs=2)
    assert a_book().of("house", "2").rows == 1
    assert a_book().of("house", "3") == Statistics()


def test_refusals_are_no_versions() -> None:
    assert a_book().of("house", "1").failures == 0
    assert a_book().of("house", "2", "") == Statistics(1, 1, 1, 30, 10, 5, 9, 1)


def test_all_together_are_the_deployments() -> None:
    assert a_book().of("house") == Statistics(3, 6, 1, 30, 160, 65, 9, 3)


def test_requests_that_are_predicted_together_are_one_run() -> None:
    book = a_book()
    book.succeeded("house", 24, 2400, 480, 11, "1", 24)
    found = book.of("house", "1")
    assert (found.requests, found.rows, found.runs, found.last_ms) == (26, 29, 3, 11)


def test_a_deployment_that_ended_is_forgotten() -> None:
    book = a_book()
    book.remove("house")
    assert book.of("house") == Statistics()


def test_names_that_are_no_deployments_take_no_memory() -> None:
    book = StatisticsBook(lambda name: name == "house")
    for number in range(100):
        book.failed(f"made up {number}", 30)
    book.failed("house", 30)
    book.succeeded("ended meanwhile", 2, 100, 40, 7, "1")
    assert book.of("house").failures == 1
    assert book.of("ended meanwhile") == Statistics()
    assert len(book._entries) == 1
