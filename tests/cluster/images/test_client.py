"""The client's image is a plain install: the command line and the Python client."""

from __future__ import annotations

from tests.cluster.images.container import RESTRICTED, docker, image_named, python


def test_it_is_the_command() -> None:
    assert docker("run", "--rm", *RESTRICTED, image_named("client"), "--version").stdout.startswith("fairlead 0.")


def test_without_a_command_it_tells_which_there_are() -> None:
    assert "predict" in docker("run", "--rm", image_named("client")).stdout


def test_it_has_the_python_client_and_no_library_of_a_service() -> None:
    found = "fairlead.Client.__name__, u.find_spec('grpc'), u.find_spec('sqlalchemy')"

    assert python("client", f"import fairlead, importlib.util as u; print({found})").split() == [
        "Client",
        "None",
        "None",
    ]
