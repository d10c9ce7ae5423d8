"""Passwords, as they are set: the password itself, or its Argon2id hash."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from pydantic import SecretStr

#: What a hash is made with: the second choice of RFC 9106, for 64 MiB.
_PASSES, _LANES, _KIBIBYTES = 3, 4, 64 * 1024
_HASH = "$argon2id$"


def is_it(given: str, kept: SecretStr) -> bool:
    """Whether a password is the one that is kept; how long that takes does not depend on how alike they are."""
    secret = kept.get_secret_value()
    if not secret.startswith(_HASH):
        return hmac.compare_digest(_digest(given), _digest(secret))
    try:
        Argon2id.verify_phc_encoded(given.encode(), secret)
    except InvalidKey:
        return False
    return True


def hashed(password: str) -> str:
    """The hash of a password, for the settings."""
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_KIBIBYTES)
    return kdf.derive_phc_encoded(password.encode())


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
