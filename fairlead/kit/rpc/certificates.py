"""A service's certificate, its key, and the CA of its peers: from files, as they are now."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.logging import get_logger
from fairlead.kit.settings import KitSettings

LOOK_SECONDS = 1.0
"""How often the files are looked at."""
HTTP2 = "h2"

_log = get_logger("fairlead.rpc")


@dataclass(frozen=True)
class TlsFiles:
    """Where the PEM files are."""

    certificate: Path
    key: Path
    ca: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """Return the three of them."""
        return self.certificate, self.key, self.ca


@dataclass(frozen=True)
class Identity:
    """What a service shows, and whom it takes for a peer, in PEM."""

    certificate: bytes
    key: bytes
    ca: bytes
    server_context: ssl.SSLContext = field(compare=False, repr=False)
    """What a server of HTTP/2 uses, which takes peers of the CA alone."""

    @property
    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Return what a gRPC client uses."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)

    @property
    def server_configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return what a gRPC server uses."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], root_certificates=self.ca)


class Certificates:
    """Reads the files anew once they have changed. Safe to use from many threads."""

    def __init__(self, files: TlsFiles, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises FailedPrecondition where a file is missing, or what they hold does not belong together."""
        self._files = files
        self._clock = clock
        self._looked = clock()
        self._state = self._stat()
        try:
            self._identity = self._read(self._state)
        except OSError as error:
            raise FailedPrecondition(
                f"the certificate, its key or the CA can't be used ({error}); see FAIRLEAD_TLS_CERTIFICATE_FILE, "
                "FAIRLEAD_TLS_KEY_FILE and FAIRLEAD_TLS_CA_FILE"
            ) from error

    @property
    def identity(self) -> Identity:
        """Return what the files hold, the same object until that changes.

        Where they can't be used it is what they held before: they may be in the middle of a change.
        """
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._look()
        return self._identity

    def server_credentials(self) -> grpc.ServerCredentials:
        """Return the credentials of a gRPC server that takes peers of the CA alone; new ones come by themselves."""
        first = known = self.identity

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal known
            before, known = known, self.identity
            return None if known is before else known.server_configuration

        return grpc.dynamic_ssl_server_credentials(
            first.server_configuration,
            changed,  # type: ignore[arg-type]  # None is for no change
            require_client_authentication=True,
        )

    def _look(self) -> None:
        state = self._stat()
        if state == self._state:
            return
        try:
            identity = self._read(state)
        except OSError as error:
            _log.error("a new certificate can't be used; the one before goes on", why=str(error))
        else:
            if identity != self._identity:
                self._identity = identity
                _log.info("a new certificate is used", file=str(self._files.certificate))
        # What changes meanwhile is looked at again.
        self._state = state

    def _read(self, state: tuple[tuple[int, int, int], ...]) -> Identity:
        """Return what the files hold in this state.

        Raises OSError (ssl.SSLError is one) where one is missing, or they do not belong together, or change meanwhile.
        """
        certificate, key, ca = (file.read_bytes() for file in self._files.all)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # It raises where the key is not the certificate's.
        context.load_cert_chain(self._files.certificate, self._files.key)
        context.load_verify_locations(self._files.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols([HTTP2])
        if self._stat() != state:
            raise OSError("the files changed while they were read")
        return Identity(certificate, key, ca, context)

    def _stat(self) -> tuple[tuple[int, int, int], ...]:
        """Return what is another once a file was written or put in another's place."""
        found = []
        for file in self._files.all:
            try:
                stat = file.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return tuple(found)


def certificates(settings: KitSettings) -> Certificates | None:
    """Return the certificates that the settings name; None for none, which is plaintext.

    Raises FailedPrecondition where only some are named, or they can't be used.
    """
    files = (settings.tls_certificate_file, settings.tls_key_file, settings.tls_ca_file)
    if not any(files):
        return None
    if not all(files):
        raise FailedPrecondition(
            "FAIRLEAD_TLS_CERTIFICATE_FILE, FAIRLEAD_TLS_KEY_FILE and FAIRLEAD_TLS_CA_FILE are set together, or none"
        )
    return Certificates(TlsFiles(*map(Path, files)))
