"""Any value into any column: both databases show the same in the end, or the record is held and named.

The judge is PostgreSQL itself, which compares what the two databases hold; it knows nothing of how it travelled.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from .test_types import Two

Node = Any  # the class of the conftest

#: Examples for each pair of databases; `make proof` tries more.
EXAMPLES = int(os.environ.get("LOCKSTEP_NODE_COLUMNS", "8"))

KINDS = [
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
    ("sqlite", "sqlite"),
]


@dataclass(frozen=True)
class Column:
    """A column that is another one at the peer.

    Args:
        source: its type where the value is written, on SQLite and on PostgreSQL; None: not there.
        target: the same where it goes to.
        values: what is written.
        judge: PostgreSQL's type by which the two are compared.
    """

    source: tuple[str | None, str | None]
    target: tuple[str | None, str | None]
    values: st.SearchStrategy[Any]
    judge: str

    def kinds(self, source: str, target: str) -> tuple[str, str] | None:
        """The types for these databases."""
        here = self.source[source == "postgresql"]
        there = self.target[target == "postgresql"]
        return None if here is None or there is None else (here, there)


def exact(places: int, digits: int = 12) -> st.SearchStrategy[Decimal]:
    whole = st.integers(-(10**digits) + 1, 10**digits - 1)
    return st.builds(lambda number, scale: Decimal(number).scaleb(-scale), whole, st.integers(0, places))


_characters = st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",))
_texts = st.text(st.sampled_from("abc "), max_size=9) | st.text(_characters, max_size=9)
_moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000) if value.second % 2 else value
)
_floats = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False, width=64)
_singles = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
_small = _floats.filter(lambda value: value == 0 or 1e-300 < abs(value) < 1e300)
_short = _singles.filter(lambda value: value == 0 or 1e-30 < abs(value) < 1e30)
_number = st.sampled_from(
    ["1.50", "1e400", "-0", "1e-7", "12345678901234567890.123456789", "0.1", "10", "1E2", "1e30"]
)
_json = st.recursive(
    st.sampled_from(["null", "true", '""', '"ü"', r'"\u00fc"', '"\\\\u0000"', '"a b"']) | _number,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.lists(st.tuples(st.sampled_from(["b", "a", "long", ""]), inner), max_size=3).map(
            lambda items: "{" + ",".join(f'"{name}" : {value}' for name, value in items) + "}"
        )
    ),
    max_leaves=5,
)
_intervals = st.builds(
    lambda months, days, seconds: f"{months} months {days} days {seconds} seconds",
    st.integers(-30, 30),
    st.integers(-40, 40),
    st.decimals(-200_000, 200_000, places=6, allow_nan=False),
)

COLUMNS = {
    "exact_wider": Column(("NUMERIC(12,2)",) * 2, ("NUMERIC(18,4)",) * 2, exact(2, 10), "numeric"),
    "exact_narrower": Column(("NUMERIC(18,4)",) * 2, ("NUMERIC(12,2)",) * 2, exact(4, 10), "numeric"),
    "exact_whole": Column(("NUMERIC(18,4)",) * 2, ("NUMERIC(9)",) * 2, exact(2, 9), "numeric"),
    "free": Column(("DECIMAL", "NUMERIC"), ("DECIMAL", "NUMERIC"), exact(9, 20), "numeric"),
    "loose": Column(("NUMERIC(10,2)", None), ("NUMERIC(10,2)",) * 2, exact(4, 10), "numeric"),
    "double": Column(("DOUBLE", "FLOAT8"), ("DOUBLE", "FLOAT8"), _small, "float8"),
    "single": Column(("DOUBLE", "FLOAT8"), ("DOUBLE", "REAL"), _short | _small, "float8"),
    "single_back": Column(("DOUBLE", "REAL"), ("DOUBLE", "FLOAT8"), _short, "float8"),
    "whole_to_double": Column(("BIGINT",) * 2, ("DOUBLE", "FLOAT8"), st.integers(-(2**60), 2**60), "whole"),
    "double_to_whole": Column(("DOUBLE", "FLOAT8"), ("BIGINT",) * 2, _short, "numeric"),
    "moment": Column(("DATETIME", "TIMESTAMP"), ("DATETIME", "TIMESTAMP"), _moments, "timestamp"),
    "moment_whole": Column(("DATETIME", "TIMESTAMP"), ("DATETIME", "TIMESTAMP(0)"), _moments, "timestamp"),
    "moment_ms": Column(("DATETIME", "TIMESTAMP"), ("DATETIME", "TIMESTAMPTZ(3)"), _moments, "timestamptz"),
    "clock": Column(("TIME",) * 2, ("TIME", "TIME(2)"), _moments.map(lambda value: value.time()), "time"),
    "day": Column(("DATE",) * 2, ("DATE",) * 2, _moments.map(lambda value: value.date()), "date"),
    "padded": Column(("VARCHAR(9)",) * 2, ("CHAR(9)",) * 2, _texts, "text"),
    "padded_wider": Column(("CHAR(5)",) * 2, ("CHAR(9)",) * 2, _texts.map(lambda value: value[:5]), "bpchar"),
    "padded_text": Column((None, "CHAR(9)"), ("TEXT",) * 2, _texts, "bpchar"),
    "shorter": Column(("TEXT",) * 2, ("VARCHAR(4)",) * 2, _texts, "text"),
    "named": Column(("TEXT",) * 2, ("TEXT", "name"), _texts | st.just("n" * 70), "text"),
    "json": Column(("JSON", "JSON"), ("JSON", "JSON"), _json, "jsonb"),
    "json_taken_apart": Column(("JSON", "JSON"), ("JSON", "JSONB"), _json, "jsonb"),
    "json_put_together": Column(("JSON", "JSONB"), ("JSON", "JSON"), _json, "jsonb"),
    "length": Column((None, "INTERVAL"), ("TEXT", "INTERVAL"), _intervals, "length"),
    "length_short": Column((None, "INTERVAL"), ("TEXT", "INTERVAL(2)"), _intervals, "length"),
    "length_months": Column((None, "INTERVAL"), (None, "INTERVAL YEAR TO MONTH"), _intervals, "length"),
    "address": Column(
        ("TEXT",) * 2, (None, "INET"), st.sampled_from(["10.0.0.1", "10.0.0.1/32", "::1"]), "inet"
    ),
    "amount": Column((None, "NUMERIC(18,4)"), (None, "money"), exact(3, 6), "money"),
    "checked": Column(("NUMERIC(18,4)",) * 2, ("NUMERIC(18,4)", "cents"), exact(4, 9), "numeric"),
    "numbers": Column(
        (None, "NUMERIC[]"), ("JSON", "NUMERIC(18,2)[]"), st.lists(exact(3, 20), max_size=3), "numeric[]"
    ),
    "lists": Column((None, "JSONB[]"), ("JSON", "JSONB[]"), st.lists(_json, max_size=3), "jsonb[]"),
    "words": Column(
        (None, "CHAR(4)[]"), ("JSON", "TEXT[]"), st.lists(_texts.map(lambda v: v[:4]), max_size=3), "words"
    ),
}


class Pair:
    """Two nodes with one table, whose columns are of different types."""

    def __init__(
        self, source: Node, target: Node, judge: Node, kinds: tuple[str, str], names: Collection[str]
    ) -> None:
        self.source, self.target, self.judge = source, target, judge
        columns = {name: column.kinds(*kinds) for name, column in COLUMNS.items() if name in names}
        self.columns = {name: found for name, found in columns.items() if found}
        for at, node in enumerate((source, target)):
            if node.url.startswith("postgresql"):
                node.run("CREATE DOMAIN cents AS NUMERIC(12,2)")
            columns = ", ".join(f"{name} {found[at]}" for name, found in self.columns.items())
            node.run(f"CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT, {columns})")
        self.two = Two(target, source)  # who asks tells what it holds
        self.number = 0
        self.reach: Counter[str] = Counter()
        self.connections: dict[str, Connection] = {}

    def run(self, node: Node, statement: str, **values: Any) -> Any:
        """A statement of the user's, on a connection that stays."""
        if node.url not in self.connections:
            self.connections[node.url] = create_engine(node.url).connect()
        with self.connections[node.url].begin():
            result = self.connections[node.url].execute(text(statement), values)
            return result.mappings().all() if result.returns_rows else []

    def close(self) -> None:
        """Give the connections back."""
        for connection in self.connections.values():
            connection.close()
            connection.engine.dispose()

    def try_out(self, values: dict[str, list[Any]]) -> None:
        """Write values at the source, sync, edit another field at the target, sync, and compare."""
        keys: dict[str, str] = {}
        for name, some in values.items():
            for value in some if name in self.columns else ():
                self.number += 1
                keys[f"k{self.number}"] = name
                self.write(name, f"k{self.number}", value)
        result = self.two.sync()
        held = set(result.skipped.get("thing", []))
        assert all(any(repr(key) in line for line in result.errors) for key in [*held][:1])
        self.compare(keys, held)
        self.run(self.target, "UPDATE thing SET note = 'seen'")
        result = self.two.sync()
        assert set(result.skipped.get("thing", [])) == held
        assert not result.conflicts
        self.compare(keys, held)
        assert not any(storage.conflicts for storage in self.two.storages)
        self.run(self.source, "DELETE FROM thing")
        assert self.two.sync().ok
        assert self.run(self.target, "SELECT id FROM thing") == []

    def write(self, name: str, key: str, value: Any) -> None:
        if self.source.url.startswith("sqlite") and not isinstance(value, str | int | float):
            value = str(value) if not isinstance(value, Decimal) else float(value)
        kind = self.columns[name][0]
        if self.source.url.startswith("postgresql"):
            listed = f"CAST(CAST(:value AS text[]) AS {kind})"
            value = value if not isinstance(value, list) else [None if v is None else str(v) for v in value]
            shown = listed if isinstance(value, list) else f"CAST(CAST(:value AS text) AS {kind})"
            value = value if isinstance(value, list) else str(value)
        else:
            shown = ":value"
        self.run(self.source, f"INSERT INTO thing (id, {name}) VALUES (:key, {shown})", key=key, value=value)

    def compare(self, keys: dict[str, str], held: set[str]) -> None:
        columns = {
            name: [self.shown(node, name) for node in (self.source, self.target)] for name in keys.values()
        }
        for key, name in keys.items():
            here, there = columns[name]
            if key in held:
                assert key not in there
                self.reach[f"{name} held"] += 1
                continue
            assert key in there, (key, name, here[key], sorted(held))
            one, other = here[key], there[key]
            assert (one is None) == (other is None), (key, name, one, other)
            assert one is None or self.alike(COLUMNS[name].judge, one, other), (key, name, one, other)
            self.reach[name] += 1

    def alike(self, judge: str, one: Any, other: Any) -> bool:
        if judge == "length":
            if not self.target.url.startswith("postgresql"):
                other = self.run(self.judge, "SELECT CAST(CAST(:it AS interval) AS text) AS it", it=other)[0][
                    "it"
                ]
            return bool(one == other)
        if judge == "whole":
            return int(one) == int(float(other))
        if judge == "words":
            judge = "text[]"
            one = self.run(
                self.judge,
                "SELECT CAST(ARRAY(SELECT rtrim(w, ' ') FROM unnest(CAST(:it AS text[])) w) AS text) AS it",
                it=one,
            )[0]["it"]
        if judge == "money":
            judge, other = "numeric", other.replace("$", "").replace(",", "")
        if judge.endswith("[]") and not other.startswith("{"):
            other = self.run(
                self.judge,
                f"SELECT CAST(ARRAY(SELECT CAST(j #>> '{{}}' AS {judge[:-2]}) FROM "
                "jsonb_array_elements(CAST(:it AS jsonb)) j) AS text) AS it",
                it=other,
            )[0]["it"]
        [row] = self.run(
            self.judge,
            f"SELECT CAST(CAST(:one AS text) AS {judge}) = CAST(CAST(:other AS text) AS {judge}) AS same",
            one=one,
            other=other,
        )
        return bool(row["same"])

    def shown(self, node: Node, name: str) -> dict[str, Any]:
        """What the database itself shows."""
        if node.url.startswith("postgresql"):
            rows = self.run(node, f"SELECT id, CAST({name} AS text) AS it FROM thing")
            return {row["id"]: row["it"] for row in rows}
        rows = self.run(node, f"SELECT id, {name} AS it FROM thing")
        return {row["id"]: None if row["it"] is None else _as_shown(row["it"]) for row in rows}


def _as_shown(value: Any) -> str:
    return (
        format(Decimal(repr(value)), "f") if isinstance(value, float) and math.isfinite(value) else str(value)
    )


#: Columns of which only the database can tell what they keep. Rows of a table that has one are read back.
READ_BACK = {"named", "length_months", "address", "amount", "checked"}


@pytest.fixture(
    params=[(*kinds, "plain") for kinds in KINDS] + [("sqlite", "postgresql", "read-back")], ids="-".join
)
def pair(request: pytest.FixtureRequest, make_node: Callable[[str], Node]) -> Iterator[Pair]:
    source, target, what = request.param
    names = READ_BACK if what == "read-back" else COLUMNS.keys() - READ_BACK
    pair = Pair(make_node(source), make_node(target), make_node("postgresql"), (source, target), names)
    yield pair
    pair.close()
    held = {name.removesuffix(" held") for name in pair.reach if name.endswith(" held")}
    assert pair.columns.keys() <= {name.removesuffix(" held") for name in pair.reach}
    assert not held & NEVER_HELD
    assert target == "sqlite" or held >= HELD.keys() & pair.columns.keys()


#: Columns of which nothing is ever held.
NEVER_HELD = {
    "exact_wider",
    "moment",
    "length",
    "padded_text",
    "day",
    "single_back",
}

_MOMENT = datetime(2026, 3, 1, 12, 0, 0, 1)

#: What PostgreSQL's columns do not keep. It is always among the values.
HELD: dict[str, Any] = {
    "exact_narrower": Decimal("0.001"),
    "exact_whole": Decimal("0.5"),
    "single": 0.1234567891,
    "moment_whole": _MOMENT,
    "moment_ms": _MOMENT,
    "clock": _MOMENT.time(),
    "padded": "a ",
    "shorter": "abcde",
    "checked": Decimal("0.001"),
}


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # what failed is small enough to read
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.fixed_dictionaries(
        {name: st.lists(each.values, min_size=1, max_size=4) for name, each in COLUMNS.items()}
    )
)
def test_both_show_the_same_or_the_record_is_held(pair: Pair, values: dict[str, list[Any]]) -> None:
    pair.try_out({name: [*some, *([HELD[name]] if name in HELD else [])] for name, some in values.items()})
