"""TLS in front of a server that has none, as stunnel and many hosts put it in front of Redis."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _signed(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    ) | {"encipher_only": False, "decipher_only": False}
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not ca:
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([here]), critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def make_certificates(directory: Path) -> tuple[Path, Path]:
    """The certificate of an authority, and a file with key and certificate of a server on 127.0.0.1."""
    directory.mkdir(parents=True, exist_ok=True)
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _signed("Authority of a test", authority, "Authority of a test", authority, ca=True)
    leaf = _signed("127.0.0.1", server, "Authority of a test", authority, ca=False)
    trusted, own = directory / "authority.pem", directory / "server.pem"
    trusted.write_bytes(root.public_bytes(Encoding.PEM))
    key = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    own.write_bytes(key + leaf.public_bytes(Encoding.PEM))
    return trusted, own


class TlsFront:
    """Listens on a free port of 127.0.0.1 with TLS, and hands on to `target` without it."""

    def __init__(self, own: Path, target: int) -> None:
        """`own` has key and certificate; `target` is a port of this machine."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own)
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="TLS", daemon=True)
        #: Connections that were encrypted.
        self.connections = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _leave(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._target)
        with suppress(asyncio.CancelledError):  # the end of the test
            await asyncio.gather(_hand_on(reader, to_redis), _hand_on(from_redis, writer))


class TlsOrPlainFront(TlsFront):
    """Takes both at one port: a sentinel here does not speak TLS, and names the port at which it looks itself."""

    async def _listen(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._accepting = asyncio.ensure_future(self._accept())
        port: int = self._socket.getsockname()[1]
        return port

    async def _leave(self) -> None:
        self._server = self._socket  # type: ignore[assignment]  # to be closed
        await super()._leave()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        self._open: set[asyncio.Future[None]] = set()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._socket)
            except ConnectionAbortedError:  # whoever connected is gone again; others are still to come
                continue
            serving = asyncio.ensure_future(self._take(connection))
            self._open.add(serving)
            serving.add_done_callback(self._open.discard)

    async def _take(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        first = b""
        while not first:
            try:
                first = connection.recv(1, socket.MSG_PEEK)
                if not first:
                    connection.close()
                    return
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                connection.close()
                return
        encrypted = first == b"\x16"  # a handshake
        self.connections -= not encrypted  # counted for all below
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with suppress(OSError):
            made, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context if encrypted else None
            )
            await self._serve(reader, asyncio.StreamWriter(made, protocol, reader, loop))


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
