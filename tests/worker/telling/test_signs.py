"""Nothing breaks off where an encoding lacks a sign, and what is said there is still understood."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.telling.screen import print_json
from worker.telling.signs import speak_plainly

COMMAND = [sys.executable, "-c", "from worker.cli import main; main()"]


def written(text: str, encoding: str) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    speak_plainly(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("utf-8", "✓ Bügeln → 牛乳 …", "✓ Bügeln → 牛乳 …"),
        ("latin-1", "✓ Bügeln → 牛乳 …", r"+ Bügeln -> \u725b\u4e73 ..."),
        ("ascii", "✗ Bügeln", r"x B\xfcgeln"),
        ("cp1252", "⠋ Looking …", "* Looking …"),
    ],
)
def test_a_sign_that_an_encoding_lacks_is_written_otherwise(encoding: str, text: str, shown: str) -> None:
    assert written(text, encoding) == shown


def test_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    print_json({"title": "Bügeln 牛乳 \x1b"})
    assert json.loads(raw.getvalue())["title"] == "Bügeln 牛乳 \x1b"


def test_marks_can_be_told_apart_in_any_encoding(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP_")}
    done = subprocess.run(
        [*COMMAND, "doctor"],
        cwd=tmp_path,
        env={
            **environment,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PYTHONIOENCODING": "latin-1",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == b""
    lines = done.stdout.decode("latin-1").splitlines()
    assert {line[:4] for line in lines if line.startswith("  ") and line[2] != " "} >= {"  + ", "  x "}
