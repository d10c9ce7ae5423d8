from __future__ import annotations

import base64
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config import load_settings
from config.drivers import drivers_words
from config.redaction import MASK, Redactor, redacted, redactor_for
from config.redactor import BASIC, SHAPES, _masked_basic
from config.settings import get_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token ntn_12345abcdefgh refused", f"token {MASK} refused"),
        ("got ya29.a0Af_byC-x.yz, kept", f"got {MASK}, kept"),
        ("of 1//0gAbCdEfGhIjKlMnOpQrStUv now", f"of {MASK} now"),
        ("by GOCSPX-AbCd_efgh-ij", f"by {MASK}"),
        ("token secret_abcdefghijklmnop123 refused", f"token {MASK} refused"),
        ("redis://:pa55@host:6379/0", f"redis://:{MASK}@host:6379/0"),
        ("at postgresql://me:p%40ss@db/x now", f"at postgresql://me:{MASK}@db/x now"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("{'Authorization': 'Basic dTpwYXNz'}", f"{{'Authorization': 'Basic {MASK}'}}"),
        ("(b'authorization', b'Bearer abcdefgh1')", f"(b'authorization', b'Bearer {MASK}')"),
        ("GET /x?access_token=abc&page=2", f"GET /x?access_token={MASK}&page=2"),
        ("password='hunter2'", f"password='{MASK}'"),
        ("redis://:a/b@host/0 and x@y", f"redis://:{MASK}@host/0 and x@y"),
        ("redis://:a@b@host/0", f"redis://:{MASK}@host/0"),
        ("http://host:5232/me@example.org/cal/", "http://host:5232/me@example.org/cal/"),
        ("sent Basic dXNlcjpwYXNz to it", f"sent Basic {MASK} to it"),
        ("echo: basic dXNlcjpwYXNzd29yZA==", f"echo: basic {MASK}"),
        ("Basic authentication is refused", "Basic authentication is refused"),
        ("https://host:8080/path@2x.png", "https://host:8080/path@2x.png"),
        (
            "NOTION_TOKEN is not set: secret_manager is down",
            "NOTION_TOKEN is not set: secret_manager is down",
        ),
    ],
)
def test_shapes(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


#: What the shapes look for, whole and in part, and letters that are alike to some of theirs.
PIECES = [
    "ntn_", "secret_", "abcdef123456", "0123456789abcdef", "ya29.", "1//", "GOCSPX-", "gocspx-", "://", ":",
    "@", "/", "Bearer", "bearer", "beareR", "Authorization", "authorization", "authorızation",
    "AUTHORİZATION", "token", "Token=", "TOKEN=", "to\u212aen=", "password", "pa\u017fsword=", "Passwd=",
    "api_key=", "apikey=", "API_Key=", "api-key=", "Basic", "basic", "bas\u0131c", "dXNlcjpwYXNz", "=", "'",
    '"', ",", "&", ";", "é", "known-secret-1", "a25vd24tc2VjcmV0LTE",
]  # fmt: skip


@given(st.lists(st.sampled_from([*PIECES, " ", " ", "\n"]), max_size=12).map("".join))
@settings(max_examples=2000, deadline=None)
@example("Authorization: Bearer abcdefgh12")
@example("AUTHORİZATION: Basic abcdefgh12")
@example("pa\u017fsword=abcdef")
@example("x a25vd24tc2VjcmV0LTE y")
def test_nothing_is_passed_over_that_is_looked_for(text: str) -> None:
    redactor = Redactor(["known-secret-1"])
    said = redactor.text(text)
    for pattern in (redactor._known, redactor._encoded):
        assert pattern is not None
        text = pattern.sub(MASK, text)
    text = BASIC.sub(_masked_basic, text)
    for shape, _ in SHAPES:
        text = shape.sub(lambda found: (found.groupdict().get("keep") or "") + MASK, text)
    assert said == text
    FOUND["masked" if MASK in said else "plain"] += 1


def test_both_were_met() -> None:
    if not FOUND:
        test_nothing_is_passed_over_that_is_looked_for()
    assert min(FOUND["masked"], FOUND["plain"]) > 100


FOUND: Counter[str] = Counter()


def test_known_values_go_wherever_they_stand(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_environment / "lockstep.toml").write_text('[[sync]]\n[sync.other]\npassword = "caldav pass/5"\n')
    monkeypatch.setenv("NOTION_TOKEN", "an-odd-token")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:dbpass22@db/x")
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "a:flower-1,b:flower-2")
    monkeypatch.setenv("COMPANY_API_KEY", "company-key-9")
    redactor = redactor_for(load_settings())
    text = "an-odd-token dbpass22 flower-1 flower-2 company-key-9 'caldav pass/5' caldav%20pass%2F5"
    assert redactor.text(text) == " ".join([MASK] * 5 + [f"'{MASK}'", MASK])
    assert "odd" not in repr(redactor)


@pytest.mark.parametrize("password", ["hunter2x", "päss wörd", "a+b/c?d&e", 'quo"te\\d', "x" * 40])
@pytest.mark.parametrize("user", ["", "u", "me", "bob", "user@example.org"])
def test_a_login_goes_in_every_form(user: str, password: str) -> None:
    redactor = Redactor([password])
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        login = coded(f"{user}:{password}".encode()).decode()
        assert redactor.text(f"header {login} refused") == f"header {MASK} refused"
        assert redactor.text(f"header {login.rstrip('=')}, refused") == f"header {MASK}, refused"
    for form in (quote(password), quote_plus(password), json.dumps(password)[1:-1], repr(password)[1:-1]):
        assert redactor.text(f"it says {form}.") == f"it says {MASK}."


def test_text_that_is_like_base64_stays() -> None:
    text = f"id 3fa85f64-5717-4562-b3fc-2c963f66afa6 {base64.b64encode(b'something else:entirely').decode()}"
    assert Redactor(["hunter2x", "swordfish"]).text(text) == text


def test_passwords_in_addresses_are_known(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_environment / "lockstep.toml").write_text(
        '[[node]]\nname = "n"\nurl = "postgresql://me:tomlpw99@db/x"\n'
    )
    monkeypatch.setenv("MY_STORE", "mysql://me:env%2Fpw88@db/x")
    monkeypatch.setenv("CALDAV_PASS", "caldavpw77")
    text = redactor_for(load_settings()).text("tomlpw99 env%2Fpw88 env/pw88 caldavpw77")
    assert text == " ".join([MASK] * 4)


def test_the_redactor_of_the_process_knows_its_settings(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_TOKEN", "an-odd-token")
    get_settings.cache_clear()
    assert redacted("an-odd-token other-token") == f"{MASK} other-token"
    monkeypatch.setenv("NOTION_TOKEN", "other-token")
    get_settings.cache_clear()
    assert redacted("an-odd-token other-token") == f"an-odd-token {MASK}"


def test_without_usable_settings_shapes_and_the_environment_still_count(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_TIME_LIMIT", "long")
    monkeypatch.setenv("CALDAV_PASSWORD", "caldavpw77")
    get_settings.cache_clear()
    assert redacted("caldavpw77 at redis://:pa55@host") == f"{MASK} at redis://:{MASK}@host"


def test_sqlite_does_not_show_what_it_cannot_decode() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (title TEXT)")
        connection.execute("INSERT INTO t VALUES (CAST(x'70726976617465ff' AS TEXT))")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("SELECT title FROM t").fetchall()
    assert "private" in str(caught.value)
    assert drivers_words(caught.value) == "Could not decode to UTF-8 column 'title'"


def test_short_secrets_do_not_eat_words() -> None:
    assert Redactor(["demo"]).text("the demo ends") == "the demo ends"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Redactor(["abcdef", "abcdefgh"]).text("x abcdefgh y") == f"x {MASK} y"


def test_nested_data_keeps_its_shape() -> None:
    data = {"token": "abc", "n": 1, "list": ["redis://:x1@h", None], "inner": {"why": "ntn_abcdefgh"}}
    assert Redactor().value(data) == {
        "token": MASK,
        "n": 1,
        "list": [f"redis://:{MASK}@h", None],
        "inner": {"why": MASK},
    }
