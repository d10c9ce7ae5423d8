"""What an address of an encrypted connection may have behind its question mark."""

from __future__ import annotations

#: All libraries know these, and no others.
TLS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
CERTIFICATES = frozenset({"none", "optional", "required"})


def tls_option(name: str, value: str, *, encrypted: bool, scheme: str) -> str:
    """The value of an option in the form that all libraries read; `scheme` is the one of encrypted connections.

    Raises:
        ValueError: the option is not known, has a value that is not, or the connection is not encrypted.
    """
    if name not in TLS:
        raise ValueError(
            "has a parameter behind a question mark that is not known: leave it out; "
            "time-outs and the like are set by Lockstep"
        )
    if not encrypted:
        raise ValueError(f"has {name}, which is for encrypted connections: use {scheme}://, or leave it out")
    if name != "ssl_cert_reqs":
        return value
    # Celery takes CERT_NONE, redis-py only none; both take the lower case form.
    mode = value.removeprefix("CERT_").lower()
    if mode not in CERTIFICATES:
        raise ValueError("has an unknown ssl_cert_reqs: use none, optional or required")
    return mode
