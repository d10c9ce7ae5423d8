"""The benches in small: they run without a network, and what they report is true of what they ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table

from bench import __main__, objects, polls, polls_out_of_sight, requests, run_costs, ultimate
from bench.fake_sides import Contest, Methods, Row, Sides, scenarios
from bench.ultimate import UnavailableError, install

SIZES = {"small": 20, "large": 40, "edits": 4}


@pytest.fixture(autouse=True)
def not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ultimate, "FOLDER", tmp_path / "rival")


def cells(table: Table, header: str) -> list[str]:
    column = next(column for column in table.columns if column.header == header)
    return [str(cell) for cell in column.cells if cell]


def test_all_ways_of_ours_end_right_and_the_missing_rival_is_told() -> None:
    table = objects.measure(quick=True)
    assert set(cells(table, "Doubles")) == set(cells(table, "Lost")) == set(cells(table, "Again")) == {"0"}
    assert str(table.caption).startswith("Without ultimate-notion: it is not installed yet")


def test_requests_are_counted_and_the_sides_equal() -> None:
    table = requests.measure(quick=True)
    assert set(cells(table, "Right")) == {"yes"}
    assert all(int(count) > 0 for count in cells(table, "Requests"))


def test_polls_write_what_was_edited_and_nothing_else() -> None:
    table = polls.measure(quick=True)
    assert cells(table, "Links") == ["100", "300"]
    assert all(float(ms) > 0 for ms in cells(table, "Idle, ms"))


def test_polls_are_measured_beside_what_is_out_of_sight() -> None:
    table = polls_out_of_sight.measure(quick=True)
    assert cells(table, "Out of sight") == ["0", "100"]
    assert all(float(ms) > 0 for ms in cells(table, "Idle, CPU ms"))


def test_the_named_bench_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(objects, "CANDIDATES", objects.CANDIDATES[:1])
    assert __main__.main(["--quick", "objects"]) == 0
    assert "First link of 20 × 20" in capsys.readouterr().out


def test_an_unknown_bench_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["speed"])
    assert "there is no speed; there are plans" in capsys.readouterr().err


def test_without_an_index_the_rival_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(UnavailableError, match=r"it cannot be installed: .*annotated-doc"):
        install(tmp_path / "rival")
    assert not (tmp_path / "rival" / "installed").exists()


class Flawed(Methods):
    """A sync that can be told to do it wrong."""

    def __init__(self, sides: Sides, flaw: str) -> None:
        self.sides = sides
        self.flaw = flaw

    def run(self) -> None:
        there = {row.values["name"]: row for row in self.sides.other.listing()}
        for row in self.sides.notion.listing():
            self.bring(row, there.get(row.values["Name"]))

    def bring(self, row: Row, other: Row | None) -> None:
        if other is None or self.flaw == "doubles":
            self.sides.other.create(
                {native: row.values[name] for name, native in self.sides.other.names.items()}
            )
            return
        for name, native in self.sides.other.names.items():
            if row.values[name] != other.values[native] or self.flaw == "writes":
                self.sides.other.update(other.id, {native: row.values[name]})


@pytest.mark.parametrize(
    ("flaw", "wrong"), [("doubles", "extra"), ("writes", "writes_again"), ("one way", "lost")]
)
def test_the_report_tells_of_what_went_wrong(flaw: str, wrong: str) -> None:
    def make(sides: Sides) -> Callable[[], None]:
        return Flawed(sides, flaw).run

    scenario = scenarios(**SIZES)["edit"]
    result = Contest(scenario.linked, make).measure(scenario, 0)
    assert getattr(result, wrong) > 0


def test_what_a_run_asks_for_is_counted_on_both_databases() -> None:
    table = run_costs.measure(quick=True)
    statements, transactions, written = (
        [int(cell) for cell in cells(table, header) if cell != "-"]
        for header in ("statements", "transactions", "that write")
    )
    assert [idle < edited for idle, edited in zip(statements[::2], statements[1::2], strict=True)] == [
        True
    ] * 2
    # PostgreSQL is asked once more, as others enter runs meanwhile: which of them are lost.
    assert [one + 1 for one in statements[:2]] == statements[2:]
    assert written[::2] == [2, 2]  # that it began, and how it ended
    assert all(two <= one <= three for two, one, three in zip(written, transactions, statements, strict=True))
    assert all(
        float(cell) > 0
        for header in ("requests to Redis", "its commands", "CPU ms")
        for cell in cells(table, header)
        if cell != "-"
    )
