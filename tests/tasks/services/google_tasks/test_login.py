"""Logins: token files that are refreshed and kept, service accounts, and what is told when Google takes none."""

from __future__ import annotations

import json
import logging
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config import get_settings
from sandbox.google_tasks import Fault, GoogleTasks
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.google_tasks import Tasks, login
from tests.tasks.services.google_tasks.near import Desk, by_title

SECRETS = ("secret-of-client", "1//", "ya29.")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "DELAYS", (0.0, 0.0))


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def key_file(google: GoogleTasks, private_key: str, tmp_path: Path) -> Path:
    path = tmp_path / "robot.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "robot@project.iam.gserviceaccount.com",
                "private_key": private_key,
                "private_key_id": "1",
                "token_uri": google.token_url,
            }
        )
    )
    return path


async def test_a_token_is_kept_for_the_next_run(desk: Desk) -> None:
    desk.google.tokens.strict = True
    for _ in range(3):
        async with desk.opened() as side:
            await side.list()
    assert desk.google.tokens.granted == {"refresh_token": 1}
    assert stat.S_IMODE(desk.token_file.stat().st_mode) == 0o600
    kept = json.loads(desk.token_file.read_text())
    assert kept["token"].startswith("ya29.")
    assert kept["token_uri"] == desk.google.token_url


async def test_a_token_that_ran_out_is_replaced_also_in_the_middle_of_a_run(desk: Desk) -> None:
    desk.google.tokens.strict = True
    desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.google.tokens.expire()
        assert (await side.update(task, {"notes": "n"})).notes == "n"
        desk.google.tokens.expire()
        await side.create("key", {"title": "b"})
    assert desk.titles() == {"a", "b"}
    assert desk.google.tokens.granted == {"refresh_token": 3}
    kept = json.loads(desk.token_file.read_text())
    desk.token_file.write_text(
        json.dumps({**kept, "expiry": (datetime.now(UTC) - timedelta(hours=1)).isoformat()})
    )
    async with desk.opened() as side:
        await side.list()
    assert desk.google.tokens.granted == {"refresh_token": 4}


async def test_a_consent_that_was_taken_back_is_told_with_the_mend(desk: Desk, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    async with desk.opened() as side:
        desk.google.tokens.revoke()
        with pytest.raises(
            SideError, match=r"invalid_grant.*python -m tasks.services.google_tasks"
        ) as caught:
            await side.list()
    told = str(caught.value) + caplog.text + f"{side!r} {vars(side)} {vars(side._client or side)}"
    assert str(desk.token_file) in str(caught.value)
    assert not [secret for secret in SECRETS if secret in told]


async def test_a_login_that_is_refused_all_the_time_is_told(desk: Desk) -> None:
    desk.google.faults.add(Fault(status=401, times=2))
    with pytest.raises(SideError, match="Google refuses the login"):
        async with desk.opened():
            pass


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(path="/oauth2/token", drop=True, times=9), "cannot be reached"),
        (
            Fault(path="/oauth2/token", status=400, reason="invalid_client"),
            r"\(invalid_client\): log in again",
        ),
    ],
)
async def test_a_server_of_logins_that_fails_is_told(desk: Desk, fault: Fault, told: str) -> None:
    desk.google.faults.add(fault)
    with pytest.raises(SideError, match=told):
        async with desk.opened():
            pass


async def test_a_connection_to_the_server_of_logins_that_breaks_is_made_again(desk: Desk) -> None:
    desk.google.faults.add(Fault(path="/oauth2/token", drop=True, times=2))
    async with desk.opened() as side:
        assert await side.list() == []


async def test_who_logged_in_anew_meanwhile_is_not_overwritten(desk: Desk) -> None:
    async with desk.opened() as side:
        anew = {
            **json.loads(desk.token_file.read_text()),
            "refresh_token": desk.google.tokens.refresh_token(),
        }
        desk.token_file.write_text(json.dumps(anew))
        desk.google.tokens.expire()
        await side.list()
    assert json.loads(desk.token_file.read_text()) == anew


async def test_a_token_that_cannot_be_kept_is_got_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(login, "write_private", read_only)
    for _ in range(2):
        async with desk.opened() as side:
            await side.list()
    assert desk.google.tokens.granted == {"refresh_token": 2}


async def test_a_service_account_gets_its_own_tokens(desk: Desk, key_file: Path) -> None:
    desk.google.tokens.strict = True
    side = desk.side(token_file=None, service_account=key_file, subject="anna@example.org")
    async with desk.opened(side):
        await side.create("key", {"title": "by a robot"})
        desk.google.tokens.expire()
        assert {task.title for task in await side.list()} == {"by a robot"}
    assert desk.google.tokens.granted == {"urn:ietf:params:oauth:grant-type:jwt-bearer": 2}


async def test_a_service_account_that_is_not_allowed_is_told(desk: Desk, key_file: Path) -> None:
    desk.google.faults.add(Fault(path="/oauth2/token", status=401, reason="unauthorized_client"))
    side = desk.side(token_file=None, service_account=key_file, subject="anna@example.org")
    with pytest.raises(
        SideError, match=r"for anna@example.org \(unauthorized_client\).*domain-wide delegation"
    ):
        async with desk.opened(side):
            pass


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no"),
        ("{", "is not JSON"),
        ("[]", "is not what Google gives"),
        ('{"type": "authorized_user", "client_id": 5}', "is no"),
        ('{"client_email": "x", "private_key": "secret-of-client", "token_uri": "y"}', "is no"),
    ],
)
@pytest.mark.parametrize("kind", ["token_file", "service_account"])
def test_a_file_of_no_use_is_told_at_once(tmp_path: Path, kind: str, content: str | None, told: str) -> None:
    path = tmp_path / "login.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SideError, match=told) as caught:
        Tasks(**{kind: path}).open()
    assert str(path) in str(caught.value)
    assert "secret-of-client" not in str(caught.value)


def test_one_login_is_enough(tmp_path: Path) -> None:
    with pytest.raises(TaskDefinitionError, match="one login"):
        Tasks(token_file=tmp_path / "a", service_account=tmp_path / "b")


async def test_the_login_comes_from_the_environment(
    desk: Desk, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_TASKS_BASE_URL", desk.google.url)
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    with pytest.raises(SideError, match=rf"no login at {tmp_path}/google-tasks.json: log in with `python -m"):
        Tasks("Errands").open()
    for name, value, grant in (
        ("GOOGLE_TASKS_TOKEN_FILE", desk.token_file, "refresh_token"),
        ("GOOGLE_TASKS_SERVICE_ACCOUNT", key_file, "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ):
        monkeypatch.setenv(name, str(value))
        side = Tasks("Errands")
        side.open()
        try:
            await side.check(["title"])
        finally:
            await side.close()
        assert desk.google.tokens.granted[grant] == 1
    get_settings.cache_clear()


def test_a_login_that_others_can_read_is_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.token_file.chmod(0o644)
    login.user_login(desk.token_file)
    assert "can be read by other users of this machine: chmod 600 it" in caplog.text
