"""Clients that were written for the real Notion, and a sandbox for them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from tasks.notion.sandbox import Sandbox

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def official_client() -> Path:
    """A folder where Notion's JavaScript client is installed, as package-lock.json pins it."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "notion-javascript" / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / "install.lock"):
        if not (folder / "installed").exists():
            for name in ("package.json", "package-lock.json"):
                (folder / name).write_bytes((HERE / name).read_bytes())
            done = subprocess.run(
                [TOOLS / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                env={**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"},
                capture_output=True,
                text=True,
                timeout=150,
                check=False,
            )
            if done.returncode:
                pytest.fail(
                    "npm cannot install @notionhq/client; give it its registry by ~/.npmrc or a network:\n"
                    f"{done.stderr[-2000:]}",
                    pytrace=False,
                )
            (folder / "installed").touch()
    return folder
