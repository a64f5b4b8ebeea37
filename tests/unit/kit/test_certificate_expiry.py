"""When a certificate ends is read as a library of cryptography reads it, and told to Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from prometheus_client import REGISTRY

from fairlead.kit.certificate_expiry import expiry_of
from fairlead.kit.process_metrics import tell_of_process
from fairlead.kit.settings import KitSettings

PEM = serialization.Encoding.PEM
GAUGE = "fairlead_tls_certificate_expiry_timestamp_seconds"


def certificate(ends: datetime, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "of a test")])
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(datetime(1999, 12, 31, tzinfo=UTC)).not_valid_after(ends)
    return built.sign(key, hashes.SHA256()).public_bytes(PEM)


@pytest.mark.parametrize("year", [1999, 2026, 2049, 2050, 2120])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_certificate_ends_when_it_says(year: int, kind: str, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    ends = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    file = tmp_path / "tls.crt"
    # Behind it are those of its authorities.
    file.write_bytes(certificate(ends, key) + certificate(datetime(2099, 1, 1, tzinfo=UTC), key))

    assert expiry_of(file) == ends


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "tls.crt"
    file.write_text(text)

    with pytest.raises(ValueError):
        expiry_of(file)


def test_it_is_told_to_prometheus_as_the_file_is_now(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "tls.crt"
    tell_of_process(KitSettings(home=tmp_path, tls_certificate_file=str(file)))

    assert REGISTRY.get_sample_value(GAUGE) == 0
    file.write_bytes(certificate(datetime(2030, 1, 1, tzinfo=UTC), key))
    assert REGISTRY.get_sample_value(GAUGE) == datetime(2030, 1, 1, tzinfo=UTC).timestamp()


def test_the_room_on_the_disk_of_home_is_told_and_a_home_that_is_away_breaks_nothing(tmp_path: Path) -> None:
    tell_of_process(KitSettings(home=tmp_path))
    free, size = (REGISTRY.get_sample_value(f"fairlead_home_{what}_bytes") for what in ("free", "size"))
    assert free and size and 0 < free < size

    tell_of_process(KitSettings(home=tmp_path / "away"))
    assert REGISTRY.get_sample_value("fairlead_home_size_bytes") == 0
