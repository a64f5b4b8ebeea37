"""A release that keeps its data on volumes and speaks mutual TLS: used, backed up, renewed, and installed once more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import waiting
from tests.certificates import Authority
from tests.cluster import node
from tests.cluster.commands import objects
from tests.cluster.release import SERVICES, Release, in_namespace
from tests.cluster.wines import settle, traffic

SECURED = Path(__file__).with_name("secured.yaml")
SECRET = "certificates"
RENEWED_SECONDS = 180
"""A kubelet looks at Secrets about once a minute."""
BACKUP_SECONDS = 180


@pytest.fixture(scope="module")
def secured() -> Iterator[Release]:
    """A namespace of its own, and the name of what is installed there; its volumes are empty at the end."""
    with in_namespace("fairlead-secured") as release:
        yield release
    node.empty_volumes(release.namespace)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "authority")


def certify(release: Release, authority: Authority) -> None:
    """Put a new certificate for all services into the Secret."""
    files = authority.give("fairlead", *(f"{release.name}-{service}-headless" for service in SERVICES))
    secret = release.kubectl(
        "create",
        "secret",
        "generic",
        SECRET,
        *(f"--from-file={key}={path}" for key, path in zip(("tls.crt", "tls.key", "ca.crt"), files.all, strict=True)),
        "--dry-run=client",
        "--output=json",
    )
    release.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=secret)


def operator(release: Release, *command: str) -> str:
    """Return what a command prints in the operator's pod."""
    return release.kubectl("exec", f"deployment/{release.name}-operator", "--", *command)


def test_the_whole_job_is_done_over_mutual_tls(secured: Release, authority: Authority) -> None:
    certify(secured, authority)
    secured.install("minimal", {}, SECURED)

    assert "alert: " in secured.test()


def test_a_backup_is_made_and_checked(secured: Release) -> None:
    secured.kubectl("create", "job", "--from=cronjob/fairlead-backup", "by-hand")
    secured.kubectl(
        "wait", "job/by-hand", "--for=condition=complete", f"--timeout={BACKUP_SECONDS}s", seconds=BACKUP_SECONDS + 10
    )

    (made,) = operator(secured, "ls", "/backups").split()
    facts = json.loads(operator(secured, "fairlead", "backup", "--verify", f"/backups/{made}", "--json"))
    assert facts["rows"] > 0 < facts["blobs"]


def test_a_new_certificate_is_used_without_a_restart_or_a_failed_request(
    secured: Release, authority: Authority
) -> None:
    def taken_up() -> bool:
        logs = (secured.kubectl("logs", f"deployment/{secured.name}-{service}") for service in SERVICES)
        return all("a new certificate is used" in log for log in logs)

    with traffic(secured) as calls:
        certify(secured, authority)
        waiting.until(taken_up, "the new certificate in each service", RENEWED_SECONDS)
        settle(calls)

    assert calls.first_failures == []


def test_installed_again_it_finds_what_it_had(secured: Release) -> None:
    secured.uninstall()
    waiting.until(lambda: not secured.objects("pods"), "the end of its pods", RENEWED_SECONDS)
    kept = {each["metadata"]["name"] for each in objects("pvc", "--namespace", secured.namespace)}

    secured.install("minimal", {}, SECURED)

    with traffic(secured) as calls:
        settle(calls)
    assert calls.first_failures == []
    assert {each["metadata"]["name"] for each in objects("pvc", "--namespace", secured.namespace)} == kept
