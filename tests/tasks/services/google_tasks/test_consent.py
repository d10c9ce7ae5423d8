"""The consent of a user: the browser is sent to Google and back to this machine."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import typer
from typer.testing import CliRunner

from sandbox.google_tasks import Fault, GoogleTasks
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.google_tasks import __main__ as command
from tasks.services.google_tasks import ask_consent
from tests.docs.pages import block
from tests.tasks.services.google_tasks.near import NO_TLS, Near


@pytest.fixture(autouse=True)
def without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's own server of tokens is never asked without TLS; the one on this machine has none."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def client_secret(google: GoogleTasks, tmp_path: Path) -> Path:
    path = tmp_path / "client_secret.json"
    client = {
        "client_id": "client",
        "client_secret": "secret-of-client",
        "auth_uri": google.auth_url,
        "token_uri": google.token_url,
    }
    path.write_text(json.dumps({"installed": client}))
    return path


class Browser:
    """Opens the address as a browser does, in its own time."""

    def __init__(self, before: Callable[[str], None] = lambda _: None) -> None:
        self.before = before
        self.asked: dict[str, str] = {}
        self.page = ""

    def __call__(self, address: str) -> bool:
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        threading.Thread(target=self.visit, args=(address,)).start()
        return True

    def visit(self, address: str) -> None:
        self.before(self.asked["redirect_uri"])
        with httpx.Client(verify=NO_TLS, follow_redirects=True) as http:
            self.page = http.get(address).text


def ask(client_secret: Path, browser: Any, patience: float = 20) -> tuple[Path, list[str]]:
    told: list[str] = []
    token_file = client_secret.parent / "state" / "token.json"
    ask_consent(client_secret, token_file, tell=told.append, open_browser=browser, patience=patience)
    return token_file, told


async def test_a_login_is_got_and_kept(google: GoogleTasks, client_secret: Path) -> None:
    browser = Browser()
    token_file, told = ask(client_secret, browser)
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(token_file.parent.stat().st_mode) == 0o700
    assert google.auth_url in told[0]
    assert browser.asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert browser.asked["code_challenge_method"] == "S256"
    assert browser.asked["scope"] == "https://www.googleapis.com/auth/tasks"
    assert (browser.asked["access_type"], browser.asked["prompt"]) == ("offline", "consent")
    assert len(browser.asked["state"]) > 20
    google.tokens.strict = True
    side = Near(token_file=token_file, base_url=google.url)
    side.open()
    try:
        await side.check(["title"])
        assert await side.list() == []
    finally:
        await side.close()


def test_only_the_answer_of_this_flow_counts(client_secret: Path, google: GoogleTasks) -> None:
    seen: list[int] = []

    def others(door: str) -> None:
        with httpx.Client(verify=NO_TLS, base_url=door) as http:
            for path in (
                "/favicon.ico",
                "/?code=stolen",
                "/?code=stolen&state=guessed",
                "/?error=access_denied",
            ):
                seen.append(http.get(path).status_code)

    token_file, _ = ask(client_secret, Browser(others))
    assert seen == [404] * 4
    assert json.loads(token_file.read_text())["refresh_token"].startswith("1//")


def test_a_code_without_its_proof_is_worth_nothing(client_secret: Path, google: GoogleTasks) -> None:
    from tasks.services.google_tasks import consent

    class Forgetful(consent.Flow):
        def fetch_token(self, **options: Any) -> Any:
            return super().fetch_token(**{**options, "code_verifier": "another"})

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(consent, "Flow", Forgetful)
        with pytest.raises(SideError, match=r"Google did not give a login \(invalid_grant\)"):
            ask(client_secret, Browser())


def test_who_refuses_is_told_so(client_secret: Path, google: GoogleTasks) -> None:
    google.tokens.deny = True
    browser = Browser()
    with pytest.raises(SideError, match=r"did not give consent \(access_denied\)"):
        ask(client_secret, browser)
    assert not (client_secret.parent / "state").exists()


def test_who_does_nothing_is_not_waited_for_without_end(client_secret: Path) -> None:
    with pytest.raises(SideError, match="no consent came within 0 s"):
        ask(client_secret, lambda _: True, patience=0.2)


def test_a_server_of_tokens_that_fails_is_told(client_secret: Path, google: GoogleTasks) -> None:
    google.faults.add(Fault(path="/oauth2/token", drop=True, times=9))
    with pytest.raises(SideError, match="Google cannot be reached"):
        ask(client_secret, Browser())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no file"),
        ("{", "cannot be read as JSON"),
        ('{"web": {}}', "is of no desktop app"),
        ('{"installed": {"client_id": "secret-of-client"}}', "has no client_secret, auth_uri, token_uri"),
    ],
)
def test_a_client_of_no_use_is_told(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "client.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TaskDefinitionError, match=told) as caught:
        ask(path, None)
    assert "desktop app" in str(caught.value)
    assert "secret-of-client" not in str(caught.value)


def test_the_command_logs_in(
    client_secret: Path, google: GoogleTasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    monkeypatch.setattr(command.webbrowser, "open", browser)
    app = typer.Typer()
    app.command()(command.main)
    token_file = tmp_path / "token.json"
    line = block("google-tasks.md", "python -m").text.split()
    assert line == ["python", "-m", command.__name__.removesuffix(".__main__"), client_secret.name]
    done = CliRunner().invoke(app, [str(client_secret), "--token-file", str(token_file)])
    assert done.exit_code == 0, done.output
    assert f"Logged in: {token_file}" in done.output
    assert json.loads(token_file.read_text())["token_uri"] == google.token_url
    done = CliRunner().invoke(app, [str(client_secret), "--no-browser", "--wait", "1"])
    assert done.exit_code == 1
    assert "no consent came within 1 s: ask again" in done.output
