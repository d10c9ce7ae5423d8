"""What is shown while something takes its time: on a terminal only, and not to who asked for quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from rich.console import Console

from config import get_settings
from tests.worker.cli.conftest import Here
from worker.cli import bars
from worker.cli.bars import bar, counted, waiting

Terminal = Callable[..., StringIO]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    def make(*, terminal: bool = True, level: str = "INFO") -> StringIO:
        seen = StringIO()
        monkeypatch.setenv("LOCKSTEP_LOG_LEVEL", level)
        get_settings.cache_clear()
        made = Console(file=seen, force_terminal=terminal, width=100)
        monkeypatch.setattr(bars, "console", lambda *, stderr: made)
        return seen

    yield make
    get_settings.cache_clear()


def work() -> None:
    with bar("to-dos") as progress:
        assert list(counted("abc", progress, "applying", 3)) == ["a", "b", "c"]
    with waiting("Looking"):
        pass


def test_a_terminal_shows_what_is_done_and_how_far(screen: Terminal) -> None:
    seen = screen()
    work()
    assert "to-dos applying" in seen.getvalue()
    assert "3/3" in seen.getvalue()
    assert "Looking" in seen.getvalue()


@pytest.mark.parametrize("how", [{"terminal": False}, {"level": "ERROR"}])
def test_nobody_else_sees_anything(screen: Terminal, how: dict[str, bool]) -> None:
    seen = screen(**how)
    work()
    assert seen.getvalue() == ""


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("run to-dos", "to-dos "),
        ("run --all", "strict "),
        ("plan to-dos", "to-dos "),
        ("export to-dos --to state.gz", "to-dos exporting"),
        ("import state.gz --replace --yes", "to-dos importing"),
        ("verify to-dos --histories 2", "to-dos histories"),
        ("doctor --timeout 5", "Looking"),
        ("migrate", "Making the tables"),
        ("prune", "Pruning"),
    ],
)
def test_what_takes_its_time_tells_of_it(here: Here, screen: Terminal, typed: str, shown: str) -> None:
    if typed.startswith(("export", "import")):
        here("run", "to-dos")
        here("export", "to-dos", "--to", "state.gz")
    seen = screen()
    done = here.invoke(*typed.split())
    assert done.exit_code in (0, 1, 3), done.output
    assert shown in seen.getvalue()
