"""Secrets that services and exceptions repeat, on their way to whoever reads what runs say."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.processes

PASSWORD = "swordfish-11"
SECRETS = {
    "password": PASSWORD,
    "login": base64.b64encode(f"me:{PASSWORD}".encode()).decode(),
    "bearer": "abcdefgh.ijkl-mnop",
    "token": "ntn_0123456789abcdef",
    "address": "geheim99",
}
MESSAGE = (
    f"echo Bearer {SECRETS['bearer']}, {SECRETS['login']}, {SECRETS['token']}, "
    f"redis://:{SECRETS['address']}@host/0, password {PASSWORD}"
)
LEAKING = f"""
MESSAGE = {MESSAGE!r}
from tasks.errors import ItemError

class Leaking(Files):
    def get_other_objects(self): raise SideError(MESSAGE)
class Crashing(Files):
    def get_other_objects(self): raise RuntimeError(MESSAGE)
class Refusing(Files):
    def other_create_obj(self, **values): raise ItemError(MESSAGE)

Leaking("leaking", {{"Title": "title"}}).schedule()
Crashing("crashing", {{"Title": "title"}}).schedule()
Refusing("refusing", {{"Title": "title"}}).schedule()
"""


@pytest.fixture
def leaky(project: Path) -> Path:
    module = project / "file_tasks.py"
    module.write_text(module.read_text() + LEAKING)
    for side in ("notion", "other"):
        for name in ("leaking", "crashing", "refusing"):
            objects = [{"id": "n1", "title": "Milk", "edited": 1700000000}] if side == "notion" else []
            (project / f"{name}-{side}.json").write_text(json.dumps(objects))
    return project


@pytest.mark.parametrize("name", ["leaking", "crashing", "refusing"])
def test_no_door_lets_a_secret_out(lockstep: Any, leaky: Path, name: str) -> None:
    told = ""
    for command in (
        ("run", name),
        ("run", name, "--json"),
        ("plan", name),
        ("history", name, "--json"),
        ("status", "--json"),
        ("held", name),
    ):
        done = lockstep(*command, CALDAV_PASSWORD=PASSWORD)
        told += done.stdout + done.stderr
    assert "echo Bearer ***" in told
    kept = b"".join(path.read_bytes() for path in (leaky / ".lockstep").rglob("*") if path.is_file())
    assert b"echo Bearer ***" in kept
    for what, secret in SECRETS.items():
        assert secret not in told, what
        assert secret.encode() not in kept, what
