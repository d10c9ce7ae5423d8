from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from config import load_settings
from config.logging import CHATTY, configure_logging

SECRET = "ntn_loggedsecret1"


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET)


def fail_with_a_secret() -> None:
    try:
        int(f"{SECRET} at redis://:pw1234@host")
    except ValueError:
        logging.getLogger("a.b").exception(
            "Could not use %s.", SECRET, extra={"token": "x", "where": [SECRET]}
        )


def test_text_lines_carry_no_secret() -> None:
    stream = io.StringIO()
    configure_logging(load_settings(notion_token=SECRET), stream=stream)
    fail_with_a_secret()
    text = stream.getvalue()
    assert " ERROR a.b: Could not use ***.\n" in text
    assert "*** at redis://:***@host" in text
    assert SECRET not in text
    assert "pw1234" not in text


def _refusing(words: str) -> type[json.JSONDecoder]:
    class Refusing(json.JSONDecoder):
        def decode(self, s: str, *_: object) -> object:  # type: ignore[override]
            raise ValueError(words)

    return Refusing


def test_nobody_forges_a_line_or_moves_the_cursor() -> None:
    stream = io.StringIO()
    configure_logging(load_settings(), stream=stream)
    forged = "2026-01-31 12:00:00,000 INFO worker.session.run: Task 'x': run 1 succeeded."
    log = logging.getLogger("a")
    try:
        json.loads("{", cls=_refusing(f"no\n{forged}\x1b[2J"))
    except ValueError:
        log.exception("Title 'x\n%s\r\x1b]0;t\x07\x9b2J\u2028y'", forged)
    lines = stream.getvalue().splitlines()
    assert forged not in lines
    assert not set(stream.getvalue()) & set("\r\x1b\x07\x9b\u2028")
    assert lines[0].endswith(rf"ERROR a: Title 'x\n{forged}\r\x1b]0;t\x07\x9b2J\u2028y'")
    assert lines[1] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in lines[1:])
    assert rf"  {forged}\x1b[2J" in lines


def test_json_lines_have_fields_and_carry_no_secret() -> None:
    stream = io.StringIO()
    configure_logging(load_settings(log_format="json"), stream=stream)
    fail_with_a_secret()
    logging.getLogger("a").info("Zwölf %d", 12, extra={"run_id": "r1", "obj": object(), "message2": {1: "x"}})
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["level"] == "ERROR"
    assert first["logger"] == "a.b"
    assert first["message"] == "Could not use ***."
    assert "*** at redis://:***@host" in first["exception"]
    assert first["token"] == "***"
    assert first["where"] == ["***"]
    assert second["message"] == "Zwölf 12"
    assert second["run_id"] == "r1"
    assert second["time"].endswith("+00:00")
    assert "exception" not in second
    assert SECRET not in stream.getvalue()


def test_an_object_in_extra_is_searched_too() -> None:
    class Client:
        def __repr__(self) -> str:
            return f"Client({SECRET})"

    stream = io.StringIO()
    configure_logging(load_settings(log_format="json"), stream=stream)
    logging.getLogger("a").warning("x", extra={"client": Client(), "level": "not the level"})
    entry = json.loads(stream.getvalue())
    assert entry["client"] == "Client(***)"
    assert entry["level"] == "WARNING"


def test_level_from_settings_or_command_line(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(load_settings(log_level="WARNING"), stream=stream)
    logging.getLogger("a").info("no")
    configure_logging(load_settings(log_level="WARNING"), level="INFO", stream=stream)
    logging.getLogger("a").info("yes")
    logging.getLogger("httpx").info("chatter")
    assert [line.split(" a: ")[-1] for line in stream.getvalue().splitlines()] == ["yes"]
    assert len(root_logger.handlers) == 1
    configure_logging(load_settings(log_level="DEBUG"), stream=stream)
    logging.getLogger("httpx").info("wanted now")
    assert "wanted now" in stream.getvalue()
