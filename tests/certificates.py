"""A certificate authority of a test's own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fairlead.kit.rpc.certificates import TlsFiles

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM


class Authority:
    """Gives services certificates, in files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        limits = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = (
            self._built(self._name, self._key).add_extension(limits, True).sign(self._key, hashes.SHA256())
        )
        (folder / "ca.crt").write_bytes(self._certificate.public_bytes(PEM))

    def give(self, service: str, *names: str) -> TlsFiles:
        """Write a new certificate for a service, in the place of the one before; return where it is."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, ("localhost", *names))]
        built = self._built(_name(service), key).add_extension(x509.SubjectAlternativeName(known), False)
        files = self.files(service)
        files.certificate.parent.mkdir(exist_ok=True)
        files.certificate.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        no_password = serialization.NoEncryption()
        files.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, no_password))
        files.ca.write_bytes(self._certificate.public_bytes(PEM))
        return files

    def files(self, service: str) -> TlsFiles:
        """Return where a service's certificate is, or would be."""
        folder = self._folder / service
        return TlsFiles(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")

    def _built(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )


def serial_of(pem: bytes) -> int:
    """Return a certificate's serial number."""
    return x509.load_pem_x509_certificate(pem).serial_number


def serial_shown(port: int, files: TlsFiles) -> int:
    """Return the serial number of the certificate that a server shows to who shows it that of the files."""
    context = ssl.create_default_context(cafile=files.ca)
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        der = connection.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der).serial_number


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
