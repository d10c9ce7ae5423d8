from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.order import LONG, in_order

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", LONG)
def test_each_long_file_is_there(name: str) -> None:
    assert len([path for path in TESTS.rglob("test_*.py") if path.as_posix().endswith(f"/{name}")]) == 1


def test_long_files_begin_and_what_waits_stands_beside_what_works() -> None:
    work, wait = [Path(f"t/work{number}.py") for number in range(6)], [Path("t/wait0.py"), Path("t/wait1.py")]
    long = [Path("t") / name for name in LONG]
    ordered = in_order([*work, *wait, *reversed(long)], {*wait, *long})
    assert ordered[: len(long)] == long
    rest = [path.stem for path in ordered[len(long) :]]
    assert sorted(rest) == sorted(path.stem for path in (*work, *wait))
    assert [rest.index("wait0") // 4, rest.index("wait1") // 4] == [0, 1]
