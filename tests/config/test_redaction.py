from __future__ import annotations

from pathlib import Path

import pytest

from config import load_settings
from config.redaction import MASK, Redactor, redactor_for


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token ntn_12345abcdefgh refused", f"token {MASK} refused"),
        ("token secret_abcdefghijklmnop123 refused", f"token {MASK} refused"),
        ("redis://:pa55@host:6379/0", f"redis://:{MASK}@host:6379/0"),
        ("at postgresql://me:p%40ss@db/x now", f"at postgresql://me:{MASK}@db/x now"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("{'Authorization': 'Basic dTpwYXNz'}", f"{{'Authorization': 'Basic {MASK}'}}"),
        ("(b'authorization', b'Bearer abcdefgh1')", f"(b'authorization', b'Bearer {MASK}')"),
        ("GET /x?access_token=abc&page=2", f"GET /x?access_token={MASK}&page=2"),
        ("password='hunter2'", f"password='{MASK}'"),
        ("https://host:8080/path@2x.png", "https://host:8080/path@2x.png"),
        (
            "NOTION_TOKEN is not set: secret_manager is down",
            "NOTION_TOKEN is not set: secret_manager is down",
        ),
    ],
)
def test_shapes(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


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
