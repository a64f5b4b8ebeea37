from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.kit.settings import KitSettings


def test_everything_follows_from_home_and_base_port(tmp_path: Path) -> None:
    settings = KitSettings(home=tmp_path, base_port=8000)

    assert settings.database_url == f"sqlite:///{tmp_path}/kit.db"
    assert settings.events_url == f"sqlite:///{tmp_path}/events.db"
    assert settings.blobs_url == f"file://{tmp_path}/blobs"
    assert settings.trainer_address == "127.0.0.1:8003"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_EVENTS_URL", "sqlite:////elsewhere/log.db")
    monkeypatch.setenv("FAIRLEAD_DRIFT_ADDRESS", "drift.svc:50051")

    settings = KitSettings()

    assert settings.events_url == "sqlite:////elsewhere/log.db"
    assert settings.drift_address == "drift.svc:50051"


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "s3cret" not in repr(KitSettings(service_token="s3cret"))
