"""Who gets in, and who may do something: on one machine, by password, by a proxy's word."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import SettingsError, load_settings
from tests.docs.pages import ROOT, block
from tests.worker.web.dashboard.conftest import MakeWorld
from tests.worker.web.dashboard.world import HERE, World
from worker.telling.failures import CommandError
from worker.web.dashboard import passwords
from worker.web.dashboard.access import Access
from worker.web.dashboard.attempts import ATTEMPTS, WITHIN, Attempts
from worker.web.dashboard.listening import check_listening
from worker.web.dashboard.login import _within

PASSWORD, READONLY = "correct horse battery", "only for looking at it"
#: All that a form of the dashboard can ask for.
DEEDS = (
    "/tasks/to-dos/run",
    "/tasks/to-dos/plan",
    "/tasks/to-dos/retry",
    "/tasks/to-dos/plans/abc/approve",
    "/tasks/to-dos/pause",
    "/tasks/to-dos/resume",
    "/tasks/to-dos/plans/abc/reject",
    "/conflicts/1/take",
    "/conflicts/1/done",
)
PAGES = ("/", "/tasks/to-dos", "/runs/abc", "/conflicts", "/conflicts/1", "/nodes", "/budget")


def test_all_deeds_are_known_here(world: World) -> None:
    posted = {
        re.sub(r"\{\w+(:int)?\}", "*", route.path)
        for route in world.app.routes
        if "POST" in (getattr(route, "methods", None) or ())
    }
    known = {re.sub("to-dos|abc|(?<=/)1", "*", path) for path in DEEDS}
    assert posted == known | {"/login", "/logout"}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, True),
        ({"base": "http://localhost:8000"}, True),
        ({"base": "http://[::1]:8000", "peer": "::1"}, True),
        ({"base": "http://evil.example:8000"}, False),  # a name that leads here: DNS rebinding
        ({"base": "http://localhost.evil.example"}, False),
        ({"peer": "10.0.0.7"}, False),
        ({"peer": "10.0.0.7", "host": "localhost"}, False),
        ({"X-Forwarded-For": "10.0.0.7"}, False),
        ({"Forwarded": "for=10.0.0.7"}, False),
    ],
)
def test_without_a_login_it_is_for_its_own_machine(
    world: World, options: dict[str, str], shown: bool
) -> None:
    with world.browser(**options) as browser:
        for path in ("/", "/tasks/to-dos"):
            answer = browser.get(path)
            assert answer.status_code == (200 if shown else 403)
            assert ("to-dos" in answer.text) is shown
        assert browser.get("/livez").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "sync.example.org"])
def test_nobody_listens_for_all_without_a_login(host: str) -> None:
    with pytest.raises(CommandError, match=r"WEB_PASSWORD.*127\.0\.0\.1.*LOCKSTEP_WEB_DASHBOARD=false"):
        check_listening(load_settings(), host)
    for settings in (
        {"web_password": PASSWORD},
        {"web_readonly_password": READONLY},
        {"web_user_header": "X-User", "web_proxies": "10.0.0.1"},
        {"web_dashboard": False},
    ):
        check_listening(load_settings(**settings), host)
    for here in ("127.0.0.1", "::1", "localhost"):
        check_listening(load_settings(), here)


@pytest.mark.processes
def test_the_process_refuses_as_the_page_shows(tmp_path: Path) -> None:
    typed, *said = block("dashboard.md", "$ python -m worker.web").text.splitlines()
    command = [sys.executable, *typed.removeprefix("$ python ").split()]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [" ".join(said)]


def test_a_stranger_sees_the_login_and_nothing_else(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD)
    with world.browser("https://sync.example.org", peer="203.0.113.9") as browser:
        for path in PAGES:
            answer = browser.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")
            assert not answer.text
        assert browser.get("/", headers={"x-live": "1"}).status_code == 401
        token = browser.token("/login")
        for path in DEEDS:
            assert browser.post(path, token=token).headers["location"] == "/login"
        assert "to-dos" not in browser.get("/login").text
    assert not world.sent


def test_a_password_lets_in_until_it_is_another_one(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD)
    with world.browser("https://sync.example.org", peer="203.0.113.9") as browser:
        wrong = browser.log_in("correct horse")
        assert wrong.status_code == 401
        assert "set-cookie" in wrong.headers or browser.client.cookies
        right = browser.log_in(PASSWORD, to="/conflicts")
        assert (right.status_code, right.headers["location"]) == (303, "/conflicts")
        cookie = right.headers["set-cookie"]
        assert cookie.startswith("__Host-lockstep-")
        assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert PASSWORD not in cookie
        assert browser.get("/").status_code == 200
        jar = browser.client.cookies
        again = world_of(web_password=PASSWORD)
        with again.browser("https://sync.example.org", peer="203.0.113.9") as same:
            same.client.cookies = jar
            assert same.get("/").status_code == 200
        changed = world_of(web_password=f"{PASSWORD}!")
        with changed.browser("https://sync.example.org", peer="203.0.113.9") as other:
            other.client.cookies = jar
            assert other.get("/").status_code == 303
        assert browser.post("/logout").status_code == 303
        assert browser.get("/").status_code == 303


def test_a_forged_cookie_is_none(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD)
    with world.browser() as browser:
        browser.log_in(PASSWORD)
        ((name, value),) = browser.client.cookies.items()
        body, rest = value.split(".", 1)
        signed, _, signature = value.rpartition(".")
        # Its last character has bits that say nothing; the first one has none.
        other = f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        for forged in (f"{body[:-2]}AA.{rest}", other, "", "x.y.z"):
            browser.client.cookies.clear()
            assert browser.get("/", headers={"cookie": f"{name}={forged}"}).status_code == 303


def test_who_only_reads_does_nothing(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD, web_readonly_password=READONLY)
    world.run("to-dos")
    with world.browser() as browser:
        browser.log_in(READONLY)
        page = browser.get("/tasks/to-dos").text
        assert "Read only" in page
        assert "Run now" not in page
        token = browser.token("/")
        assert token
        for path in DEEDS:
            answer = browser.post(path, token=token)
            assert answer.status_code == 403
            assert "You may look" in answer.text
    assert not world.sent


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:9999", f"{HERE}.evil.example"]
)
def test_another_site_sends_nothing(world: World, origin: str) -> None:
    with world.browser() as browser:
        token = browser.token()
        for path in DEEDS:
            assert browser.post(path, origin=origin, token=token).status_code == 403
        crossed = browser.client.post(
            DEEDS[0], data={"token": token}, headers={"origin": HERE, "sec-fetch-site": "cross-site"}
        )
        assert crossed.status_code == 403
    assert not world.sent


def test_a_form_needs_the_token_of_its_session(world: World) -> None:
    with world.browser() as browser, world.browser() as other:
        own, foreign = browser.token(), other.token()
        assert own != foreign
        for token in ("", "x", foreign, "\u00e4"):
            for path in DEEDS:
                answer = browser.post(path, token=token)
                assert answer.status_code == 403
                assert "This form is too old" in answer.text
        assert not world.sent
        assert browser.post(DEEDS[0], token=own).status_code == 303
    assert len(world.sent) == 1


def test_to_look_changes_nothing(world: World) -> None:
    with world.browser() as browser:
        for path in DEEDS:
            assert browser.get(path).status_code == 405
    assert not world.sent


def test_guessing_ends_soon(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD)
    with world.browser(peer="203.0.113.9") as browser, world.browser(peer="203.0.113.10") as other:
        codes = [browser.log_in(f"guess {number}").status_code for number in range(ATTEMPTS + 2)]
        assert codes == [401] * ATTEMPTS + [429] * 2
        assert browser.log_in(PASSWORD).status_code == 429
        assert other.log_in(PASSWORD).status_code == 303


def test_attempts_are_forgotten_in_time() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for number in range(ATTEMPTS):
        assert attempts.wait("2001:db8::1") == 0
        now = float(number)
        attempts.failed(f"2001:db8::{number + 1}")  # one household
    assert attempts.wait("2001:db8::ffff") == pytest.approx(WITHIN - now)
    assert attempts.wait("2001:db8:1::1") == 0
    now = WITHIN
    assert attempts.wait("2001:db8::1") == 0


def test_a_proxy_says_who_it_is(world_of: MakeWorld) -> None:
    page = dict(
        line.split("#")[0].strip().split("=", 1)
        for line in block("dashboard.md", "LOCKSTEP_WEB_USER_HEADER").text.splitlines()
    )
    user, groups = page["LOCKSTEP_WEB_USER_HEADER"], page["LOCKSTEP_WEB_GROUPS_HEADER"]
    named = {name.removeprefix("LOCKSTEP_").lower(): value for name, value in page.items()}
    world = world_of(**named)
    public = "http://sync.example.org"

    def code(peer: str, path: str = DEEDS[0], **headers: str) -> int:
        with world.browser(public, peer, **headers) as browser:
            return int(browser.post(path).status_code)

    assert code("10.0.0.5", **{user: "anna"}) == 303
    assert code("10.0.0.5", **{user: "bob"}) == 403
    assert code("10.0.0.5", **{user: "bob", groups: "dev, ops"}) == 303
    assert code("10.0.0.5") == 403
    assert code("203.0.113.9", **{user: "anna"}) == 403  # not through the proxy
    with world.browser(public, "10.0.0.5", **{user: "<b>bob"}) as browser:
        page = browser.get("/")
        assert page.status_code == 200
        assert "&lt;b&gt;bob" in page.text
    with world.browser(public, "203.0.113.9", **{user: "anna"}) as browser:
        assert browser.get("/").status_code == 403


def test_behind_tls_the_cookie_is_secure(world_of: MakeWorld) -> None:
    world = world_of(web_password=PASSWORD, web_user_header="X-User", web_proxies="10.0.0.3")
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sync.example.org"}
    with world.browser("http://inside:8000", "10.0.0.3", **headers) as browser:
        cookie = browser.get("/login").headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
    with world.browser("http://inside:8000", "203.0.113.9", **headers) as browser:  # nobody's word
        assert "Secure" not in browser.get("/login").headers["set-cookie"]


def test_hashes_are_passwords_too() -> None:
    made = passwords.hashed(PASSWORD)
    assert PASSWORD not in made
    access = Access(load_settings(web_password=made, web_readonly_password=READONLY))
    assert access.role_for(PASSWORD) == "operator"
    assert access.role_for(READONLY) == "viewer"
    assert access.role_for(made) is None  # the hash itself is no password
    assert access.role_for("") is None
    with pytest.raises(SettingsError, match="Argon2id"):
        load_settings(web_password="$2b$12$abcdefghijklmnopqrstuv")


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\r\nb", ""]
)
def test_a_login_leads_nowhere_else(to: str) -> None:
    assert _within(to) == "/"
    assert _within("/tasks/x") == "/tasks/x"
