"""Options of every command, before and after its name; and words that nobody knows are answered with the nearest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from config import get_settings
from config.sources import CONFIG_VARIABLE
from worker.cli import main
from worker.cli.app import app


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory of its own, without what the commands set."""
    for name in (CONFIG_VARIABLE, "LOCKSTEP_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and all that was shown in one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), " ".join((shown.out + shown.err).replace("│", " ").split())


def commands(group: Any) -> Iterator[tuple[list[str], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from (([name, *words], one) for words, one in commands(command))
        else:
            yield [name], command


def test_every_command_has_them() -> None:
    found = list(commands(typer.main.get_command(app)))
    assert len(found) > 25
    for words, command in [*found, (["lockstep"], typer.main.get_command(app))]:
        options = {option for one in command.params for option in one.opts}
        assert options >= {"--config", "-C", "-v", "--verbose", "-q", "--quiet"}, words


@pytest.mark.parametrize("before", [True, False])
def test_another_file(before: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine.toml").write_text("log_levl = 'INFO'\n")
    options = ("-C", "folder", "--config", "mine.toml")
    code, shown = told(capsys, *((*options, "tasks") if before else ("tasks", *options)))
    assert code == 2
    assert "mine.toml has an unknown key 'log_levl': did you mean log_level?" in shown
    assert os.environ[CONFIG_VARIABLE] == str(tmp_path / "folder/mine.toml"), "child processes read it too"
    assert Path.cwd() == tmp_path / "folder"


def test_a_file_or_directory_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = told(capsys, "tasks", "--config", "nowhere.toml")
    assert (code, "there is no file" in shown, "nowhere.toml, which --config" in shown) == (2, True, True)
    code, shown = told(capsys, "tasks", "-C", "nowhere")
    assert (code, shown) == (2, "lockstep: -C nowhere: No such file or directory")


@pytest.mark.parametrize(("option", "level"), [("-v", "DEBUG"), ("--quiet", "ERROR")])
def test_how_much_is_logged(option: str, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "tasks", option)[0] == 0
    assert get_settings().log_level == level


def test_more_and_less_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "tasks", "-v", "-q") == (2, "lockstep: -v and -q contradict each other: give one")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("pln",), "Did you mean 'plan'"),
        (("nodes", "lst"), "Did you mean 'list'?"),
        (("plan", "x", "--jsn"), "--json"),
        (("run", "x", "--confg", "y"), "--config"),
    ],
)
def test_a_command_or_option_with_a_slip(
    arguments: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = told(capsys, *arguments)
    assert code == 2
    assert meant in shown


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[[synk]]\n", "did you mean sync?"),
        (
            "[[sync]]\nname='x'\nevry='1h'\n[sync.notion]\ndata_source='x'\n[sync.caldav]\ncalendar='http://x'",
            "'every'",
        ),
        (
            "[[sync]]\nname='x'\nevery='1h'\n[sync.notin]\n[sync.caldav]\ncalendar='http://x'",
            "did you mean 'notion'",
        ),
        ("[[node]]\nname='x'\ndatabse='y'\n", "did you mean 'database'"),
        ("[[node]]\nname='x'\ndatabase='sqlite:///y'\ntables=[{nme='t'}]\n", "did you mean 'name'"),
    ],
)
def test_a_key_with_a_slip(text: str, meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lockstep.toml").write_text(text)
    code, shown = told(capsys, "tasks")
    assert code == 2
    assert meant in shown


def test_an_argument_that_may_be_left_out_stands_in_one_pair_of_brackets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = 0
    for words, _ in commands(typer.main.get_command(app)):
        code, shown = told(capsys, *words, "--help")
        assert code == 0
        assert "[[" not in shown, words
        seen += "[NAME]" in shown
    assert seen > 3
