"""Rate limits, repeats, logins and addresses."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from sandbox.github import Fault, GitHub, Repository
from sandbox.github.faults import primary_limit, secondary_limit
from tasks.errors import OutcomeUnknownError, SideError, TaskDefinitionError
from tasks.services.github import Client, Issues, Pace
from tasks.services.github.answers import Answer
from tasks.services.github.login import AppLogin, TokenLogin
from tasks.services.github.pace import pace_of
from tasks.services.github.repository import read_place
from tests.sandbox.github.description import Described
from tests.tasks.services.github.conftest import opened, side_of


@pytest.fixture
async def client(github: GitHub) -> AsyncIterator[Client]:
    one = client_of(github)
    yield one
    await one.close()


def client_of(github: GitHub, **options: Any) -> Client:
    login = TokenLogin(SecretStr("t0ken"))
    usual = {"pace": Pace(0), "patience": 3.0, "first_delay": 0.01, "transport": Described()}
    return Client(github.url, login, **{**usual, **options})


async def read(client: Client, repository: Repository) -> Answer:
    return await client.get(f"repos/{repository.name}", subject="the repository")


# -- limits -----------------------------------------------------------------------------------------------


async def test_a_limit_that_says_for_how_long_is_waited_for(
    github: GitHub, client: Client, repository: Repository
) -> None:
    github.faults.add(secondary_limit(retry_after=1))
    begun = time.monotonic()
    assert (await read(client, repository)).status == 200
    assert time.monotonic() - begun >= 1


async def test_a_write_that_a_limit_refused_is_sent_again_once(
    github: GitHub, client: Client, repository: Repository
) -> None:
    github.faults.add(secondary_limit(retry_after=1, method="POST"))
    path = f"repositories/{repository.id}/issues"
    assert (await client.write("POST", path, {"title": "A"}, subject="new")).status == 201
    assert len(repository.issues) == 1


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (secondary_limit(), 60),
        (Fault(status=429, message="Too many requests"), 60),
        (Fault(status=403, message="x", headers={"x-ratelimit-remaining": "0"}), 1800),
    ],
)
async def test_a_limit_for_longer_than_a_run_has_time_is_told_at_once(
    github: GitHub, repository: Repository, fault: Fault, seconds: int
) -> None:
    pace = Pace(0)
    client = client_of(github, pace=pace)
    if seconds == 1800:
        github.use_up(timedelta(minutes=30))
    else:
        github.faults.add(fault)
    begun = time.monotonic()
    with pytest.raises(SideError, match="rate limit lets no request through for"):
        await read(client, repository)
    assert time.monotonic() - begun < 2
    assert seconds - 5 < pace.pause_left <= seconds + 5
    asked = len(github.requests)
    with pytest.raises(SideError, match="rate limit"):  # nobody asks until then
        await read(client, repository)
    assert len(github.requests) == asked
    await client.close()


async def test_an_hour_that_begins_anew(github: GitHub, client: Client, repository: Repository) -> None:
    reset = int(github.clock.now().timestamp())
    github.faults.add(primary_limit(reset))
    assert (await read(client, repository)).status == 200


async def test_forbidden_is_no_limit(github: GitHub, client: Client, repository: Repository) -> None:
    github.faults.add(Fault(status=403, message="Resource not accessible by integration"))
    assert (await read(client, repository)).status == 403


async def test_writes_are_a_pace_apart_and_reads_are_not() -> None:
    pace = Pace(1)
    assert pace.turn(write=True) == 0
    assert pace.turn(write=False) == 0
    assert 0.9 < pace.turn(write=True) <= 1
    assert 1.9 < pace.turn(write=True) <= 2
    pace.pause(10)
    pace.pause(5)
    assert 9 < pace.turn(write=False) <= 10
    assert pace_of("one") is pace_of("one")
    assert pace_of("one") is not pace_of("two")


# -- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(status=502), Fault(drop=True), Fault(cut=True), Fault(status=500)])
async def test_reads_are_repeated(
    github: GitHub, client: Client, repository: Repository, fault: Fault
) -> None:
    github.faults.add(fault)
    assert (await read(client, repository)).status == 200


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}, {"cut": True}, {"status": 503}])
async def test_writes_are_not(
    github: GitHub, client: Client, repository: Repository, fault: dict[str, Any]
) -> None:
    github.faults.add(Fault(method="POST", applied=True, **fault))
    with pytest.raises(OutcomeUnknownError):
        await client.write(
            "POST", f"repositories/{repository.id}/issues", {"title": "A"}, subject="new issue"
        )
    assert len(repository.issues) == 1


async def test_where_nobody_listens() -> None:
    client = Client(
        "http://127.0.0.1:9", TokenLogin(SecretStr("x")), pace=Pace(0), repeats=1, first_delay=0.01
    )
    for asked in (client.get("repos/a/b", subject="s"), client.write("POST", "x", {}, subject="s")):
        with pytest.raises(SideError, match=r"127\.0\.0\.1:9 does not answer"):
            await asked
    await client.close()


async def test_a_redirect_to_another_host_is_not_followed(
    github: GitHub, client: Client, repository: Repository
) -> None:
    headers = {"Location": "https://elsewhere.example.org/repositories/1"}
    github.faults.add(Fault(status=301, body={"message": "Moved"}, headers=headers))
    with pytest.raises(SideError, match=r"sends to elsewhere\.example\.org, which is not asked"):
        await client.follow(f"repos/{repository.name}", subject="the repository")
    round_and_round = {"Location": f"{github.url}/repos/{repository.name}"}
    github.faults.add(Fault(status=301, body={}, headers=round_and_round, times=99))
    with pytest.raises(SideError, match="from address to address"):
        await client.follow(f"repos/{repository.name}", subject="the repository")


async def test_a_lost_lock_stops_a_write(client: Client, repository: Repository) -> None:
    def lost() -> None:
        raise SideError("lost")

    client.before_write = lost
    with pytest.raises(SideError, match="lost"):
        await client.write("POST", f"repositories/{repository.id}/issues", {"title": "A"}, subject="new")
    assert not repository.issues


def test_what_an_answer_says() -> None:
    link = (
        '<https://a/x?page=1>; rel="prev", <https://a/x?page=3>; rel="next", <https://a/x?page=9>; rel="last"'
    )
    assert Answer(200, {"link": link}, None).next_page == "https://a/x?page=3"
    assert Answer(200, {"link": '<https://a/x?page=9>; rel="last"'}, None).next_page is None
    errors = [{"field": "title", "code": "missing"}, {"message": "odd\nthing"}, "text"]
    said = Answer(422, {}, {"message": "Validation Failed", "errors": errors})
    assert said.message == "Validation Failed; title missing; odd thing; text"
    assert len(Answer(422, {}, {"message": "x" * 999}).message) == 201
    assert Answer(200, {"date": "rubbish"}, None).date is None
    assert Answer(200, {"retry-after": "9"}, None).wait is None


# -- logins -----------------------------------------------------------------------------------------------


async def test_a_login_that_is_refused_is_told(repository: Repository) -> None:
    with GitHub(tokens={"other"}) as guarded:
        side = Issues("octo/board", token="s3cret", url=guarded.url)
        side.open()
        with pytest.raises(SideError, match=r"refuses the login \(Bad credentials\): check GITHUB_TOKEN"):
            await side.describe()
        await side.close()


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GH_TOKEN"])
async def test_the_token_comes_from_the_environment(
    github: GitHub, repository: Repository, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.delenv("GH_TOKEN", raising=False)
    side = Issues(repository.name, url=github.url)
    with pytest.raises(SideError, match="GITHUB_TOKEN is not set"):
        side.open()
    monkeypatch.setenv(variable, "two words")
    with pytest.raises(SideError, match="signs that no token has"):
        side.open()
    monkeypatch.setenv(variable, "t0ken")
    async with opened(side):
        pass


async def test_no_secret_is_shown(github: GitHub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(github)
    login = TokenLogin(SecretStr("t0ken"))
    app = AppLogin("Iv1", SecretStr("k3y"), "app/installations/1")
    await client.get("repos/none/none", subject="none")
    await client.close()
    for shown in (repr(client), repr(login), repr(app), caplog.text):
        assert "t0ken" not in shown
        assert "k3y" not in shown


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture
def key_file(key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (tmp_path / "app.pem").write_bytes(pem)
    return tmp_path / "app.pem"


@pytest.fixture
def app(github: GitHub, key: rsa.RSAPrivateKey) -> str:
    def verify(token: str) -> str:
        try:
            claims = jwt.decode(
                token, key.public_key(), algorithms=["RS256"], options={"require": ["exp", "iat"]}
            )
        except jwt.PyJWTError as error:
            raise ValueError(str(error)) from None
        assert claims["exp"] - claims["iat"] <= 600
        return str(claims["iss"])

    github.apps.verify = verify
    github.apps.installations = {"Iv1.app": 12}
    return "Iv1.app"


@pytest.mark.parametrize("installation", [None, 12])
async def test_an_app_asks_with_the_token_of_its_installation(
    github: GitHub, repository: Repository, key_file: Path, app: str, installation: int | None
) -> None:
    repository.open_issue("A")
    with GitHub(tokens=set()) as guarded:  # where no other token counts
        guarded.apps.verify, guarded.apps.installations = github.apps.verify, github.apps.installations
        there = guarded.make_repository("octo/board")
        there.open_issue("A")
        side = LocalApp(there.name, url=guarded.url, app=app, private_key=key_file, installation=installation)
        async with opened(side):
            assert len(await side.list()) == 1
            guarded.apps.revoke()
            assert len(await side.list()) == 1  # with another one
        tokens = [path for _, path, _ in guarded.requests if path.endswith("access_tokens")]
        assert len(tokens) == 2


async def test_an_app_whose_tokens_never_count(
    github: GitHub, repository: Repository, key_file: Path, app: str
) -> None:
    github.faults.add(Fault(path="^/repos/[^/]+/[^/]+$", times=99, status=401, message="Bad credentials"))
    with pytest.raises(SideError, match=r"check the app and its installation \(Iv1\.app\)"):
        async with opened(LocalApp(repository.name, url=github.url, app=app, private_key=key_file)):
            pass
    assert len([path for _, path, _ in github.requests if path.endswith("access_tokens")]) == 2


class LocalApp(Issues):
    def make_client(self, login: Any) -> Client:
        return Client(self._url, login, pace=Pace(0), patience=3.0, transport=Described())


async def test_an_app_that_is_not_installed(
    github: GitHub, repository: Repository, key_file: Path, app: str, tmp_path: Path
) -> None:
    for name, file, says in (
        ("Iv1.other", key_file, "gives the app Iv1.other no token.*is it installed"),
        (app, tmp_path / "none.pem", "cannot be read from .*none.pem: No such file"),
    ):
        side = LocalApp(repository.name, url=github.url, app=name, private_key=file)
        with pytest.raises(SideError, match=says):
            async with opened(side):
                pass
    odd = tmp_path / "odd.pem"
    odd.write_text("no key")
    with pytest.raises(SideError, match="is no RSA key in PEM"):
        async with opened(LocalApp(repository.name, url=github.url, app=app, private_key=odd)):
            pass
    wrong = LocalApp(repository.name, url=github.url, app=app, private_key=key_file, installation=99)
    with pytest.raises(SideError, match="check the app's id"):
        async with opened(wrong):
            pass


# -- set-up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "url", "place"),
    [
        ("octo/board", None, ("https://api.github.com", "octo/board")),
        (" octo/board.git ", None, ("https://api.github.com", "octo/board")),
        ("https://github.com/octo/board/issues?q=x", None, ("https://api.github.com", "octo/board")),
        ("https://git.example.org/octo/board", None, ("https://git.example.org/api/v3", "octo/board")),
        ("octo/board", "https://git.example.org/api/v3/", ("https://git.example.org/api/v3", "octo/board")),
    ],
)
def test_the_place_of_a_repository(given: str, url: str | None, place: tuple[str, str]) -> None:
    assert read_place(given, url) == place


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"repository": "board"}, "'board' names no repository: use owner/name"),
        ({"repository": "octo/board/x"}, "names no repository"),
        ({"repository": "octo/board", "url": "git.example.org"}, "no address of an API"),
        ({"repository": "octo/board", "url": "https://a:b@git.example.org"}, "no address of an API"),
        ({"repository": "octo/board", "app": "Iv1"}, "an app needs app and private_key"),
        ({"repository": "octo/board", "deleted_label": " "}, "deleted_label is empty"),
    ],
)
def test_a_set_up_that_does_not_fit(options: dict[str, Any], says: str) -> None:
    with pytest.raises(TaskDefinitionError, match=says):
        Issues(**options)


async def test_when_the_token_expires_is_known_after_a_run(github: GitHub, repository: Repository) -> None:
    async with opened(side_of(github, repository)) as side:
        assert side.login_expires is None
    github.token_expires = datetime(2027, 1, 31, 12, 30, tzinfo=UTC)
    try:
        async with opened(side_of(github, repository)) as side:
            assert side.login_expires == github.token_expires
    finally:
        github.token_expires = None
    assert side.login_expires is None


@pytest.mark.parametrize(
    ("told", "expires"),
    [
        ("2021-10-26 15:29:22 UTC", datetime(2021, 10, 26, 15, 29, 22, tzinfo=UTC)),
        ("2021-10-26 15:29:22 +0200", datetime(2021, 10, 26, 13, 29, 22, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_how_github_tells_when_a_token_expires(told: str, expires: datetime | None) -> None:
    answer = Answer(200, {"github-authentication-token-expiration": told}, None)
    assert answer.login_expires == expires
