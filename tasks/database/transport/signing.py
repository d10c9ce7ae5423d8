"""Who sent a request, proved by a key that both nodes know: a signature, or a token over TLS."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, unquote

from tasks.database.exceptions import ClockDriftError
from tasks.errors import TaskDefinitionError

NODE_HEADER = "x-lockstep-node"
TIME_HEADER = "x-lockstep-time"
NONCE_HEADER = "x-lockstep-nonce"
SIGNATURE_HEADER = "x-lockstep-signature"

#: Seconds that the clocks of two nodes may be apart.
WINDOW = 300

#: The shortest key or token, in characters.
KEY_MIN = 16

_NONCE = re.compile(r"[0-9a-f]{32}")
_SIGNATURE = re.compile(r"v1=[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{1,12}")


class NotAuthenticError(Exception):
    """The sender could not prove who it is. The message is for the log, not for the sender."""


@dataclass(frozen=True)
class PeerKey:
    """What two nodes prove themselves with: a `secret` that signs each request, or a `token` that is sent along.

    A token protects against nobody who can read the connection, and needs TLS.

    Raises:
        TaskDefinitionError: there is none or both, or it is too short.
    """

    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if bool(self.secret) == bool(self.token):
            raise TaskDefinitionError("a node needs either a secret or a token")
        key = self.secret or self.token
        if len(key) < KEY_MIN:
            raise TaskDefinitionError(f"a node's secret or token needs {KEY_MIN} characters at least")
        if not key.isascii() or not key.isprintable():
            raise TaskDefinitionError("a node's secret or token is made of ASCII characters")

    def headers(self, node_id: str, path: str, body: bytes) -> dict[str, str]:
        """The headers of a request."""
        node_id = quote(node_id, safe="")
        if self.token:
            return {NODE_HEADER: node_id, "authorization": f"Bearer {self.token}"}
        at, nonce = str(int(time.time())), secrets.token_hex(16)
        return {
            NODE_HEADER: node_id,
            TIME_HEADER: at,
            NONCE_HEADER: nonce,
            SIGNATURE_HEADER: self._sign("request", node_id, path, at, nonce, body),
        }

    def check_headers(self, headers: Mapping[str, str]) -> None:
        """Refuse what cannot be from the holder of this key, whatever its body is.

        Raises:
            NotAuthenticError: the token is wrong, or there is no signature.
        """
        if self.token:
            self._check_token(headers)
        elif (
            not _TIME.fullmatch(headers.get(TIME_HEADER, ""))
            or not _NONCE.fullmatch(headers.get(NONCE_HEADER, ""))
            or not _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
        ):
            raise NotAuthenticError("the signature is missing")

    def _check_token(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not _equal(token.strip(), self.token):
            raise NotAuthenticError("the token is missing or wrong")

    def check(self, headers: Mapping[str, str], path: str, body: bytes, nonces: Nonces) -> None:
        """Refuse what the holder of this key did not send, now and for the first time.

        Raises:
            NotAuthenticError: somebody else has sent it, or it was sent before.
            ClockDriftError: it is theirs, but not of this time.
        """
        if self.token:
            self._check_token(headers)
            return
        node_id, at, nonce, signature = (
            headers.get(name, "") for name in (NODE_HEADER, TIME_HEADER, NONCE_HEADER, SIGNATURE_HEADER)
        )
        if not _TIME.fullmatch(at) or not _NONCE.fullmatch(nonce):
            raise NotAuthenticError("the signature is missing")
        if not _equal(signature, self._sign("request", node_id, path, at, nonce, body)):
            raise NotAuthenticError("the signature is wrong")
        apart = time.time() - int(at)
        if abs(apart) > WINDOW:
            raise ClockDriftError(
                f"the clocks of node {unquote(node_id)!r} and of this one are {abs(apart):.0f} s apart, "
                f"more than {WINDOW} s: set them right"
            )
        # Only what is signed well is remembered: nobody else can fill the memory.
        if not nonces.use(node_id, nonce, int(at) + WINDOW + 1):
            raise NotAuthenticError("the request was sent before")

    def answer_signature(self, nonce: str, status: int, body: bytes) -> str:
        """What proves an answer to a request with this nonce; empty with a token."""
        return self._sign("answer", "", "", str(status), nonce, body) if self.secret and nonce else ""

    def is_answer(self, headers: Mapping[str, str], nonce: str, status: int, body: bytes) -> bool:
        """Whether the peer itself gave this answer; with a token TLS vouches for it."""
        if self.token:
            return True
        return _equal(headers.get(SIGNATURE_HEADER, ""), self.answer_signature(nonce, status, body))

    def _sign(self, kind: str, node_id: str, path: str, at: str, nonce: str, body: bytes) -> str:
        parts = (kind, node_id, path, at, nonce, hashlib.sha256(body).hexdigest())
        # The lengths keep two different requests from having the same text.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return "v1=" + hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Nonces(Protocol):
    """Remembers what was signed before."""

    def use(self, node_id: str, nonce: str, until: int) -> bool:
        """Note a nonce until that time (seconds since 1970); False: it is known already."""
        ...


class MemoryNonces:
    """`Nonces` of a server that is one process. One that has been restarted takes a request again: an exchange
    that arrives twice changes nothing more than one that arrives once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[tuple[str, str], int] = {}
        self._swept = 0

    def use(self, node_id: str, nonce: str, until: int) -> bool:
        """As the protocol says."""
        now = int(time.time())
        with self._guard:
            if now > self._swept + WINDOW:
                self._swept = now
                self._known = {known: end for known, end in self._known.items() if end >= now}
            if (node_id, nonce) in self._known:
                return False
            self._known[node_id, nonce] = until
            return True


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())
