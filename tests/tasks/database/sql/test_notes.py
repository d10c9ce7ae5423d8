"""What is known of many records that were written is what is known of each of them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.sql.tables.bulk import Note, array, notes_of

TABLE: Any = SimpleNamespace(fields=("id", "a", "b"), label="item", stored_key=lambda key: key)
_TIMES = st.dictionaries(st.sampled_from(["a", "b", "gone"]), st.integers(0, 2), max_size=3)
_ARRIVALS = st.dictionaries(st.sampled_from(["a", "gone", WHOLE]), st.integers(0, 1), max_size=2)
_RECORDS = st.lists(
    st.tuples(_TIMES, _ARRIVALS, st.integers(0, 1), st.sets(st.sampled_from(["a", "b"]))), max_size=6
)


@given(_RECORDS)
def test_each_record_is_noted_as_if_it_were_alone(
    told: list[tuple[dict[str, int], dict[str, int], int, set[str]]],
) -> None:
    # Each is there twice in a row, as records of one page mostly have the same times.
    records, emptied = {}, {}
    for at, (times, arrivals, received_at, left_out) in enumerate(told):
        for twin in "xy":
            key = f"{at}{twin}"
            records[key] = SyncRecord(key, {}, dict(times), received_at, dict(arrivals))
            if twin == "y" or at % 2:
                emptied[key] = left_out
    alone = [notes_of(TABLE, {key: record}, emptied)[0] for key, record in records.items()]
    assert [_read(note) for note in notes_of(TABLE, records, emptied)] == [_read(note) for note in alone]


def _read(note: Note) -> tuple[object, ...]:
    """A note whose texts are objects: the order of their names says nothing."""
    return (*note._replace(stamps="", arrivals=""), json.loads(note.stamps), json.loads(note.arrivals))


_ELEMENTS = st.lists(st.sampled_from(["", "a", 'a"b', "a\\", "{", "NULL"]) | st.none() | st.integers(-1, 1))


@given(_ELEMENTS, st.integers(1, 5))
def test_an_array_of_the_same_texts_is_that_of_each(values: list[str | int | None], times: int) -> None:
    alone = [array([value])[1:-1] for value in values * times]
    assert array(values * times) == "{" + ",".join(alone) + "}"
    told = [json.loads(text) for text in alone if text.startswith('"')]
    assert told == [value for value in values * times if isinstance(value, str)]
