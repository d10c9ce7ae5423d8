"""A state from its begin to its end, against a model that remembers every look."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.alarms import Alarm, Judged, Kind, Severity
from worker.alarms.course import AGAIN, GAP, Alert, Stage, course

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "200"))
NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

STALE = Alarm(Kind.STALE, Severity.CRITICAL, "milk stands still.", "look", "milk")
QUEUE = Alarm(Kind.QUEUE, Severity.WARNING, "9 wait.", "start more")


class Kept:
    """The open alerts, changed as a course says; and what was told, in order."""

    def __init__(self) -> None:
        self.open: dict[str, Alert] = {}
        self.told: list[tuple[Stage, str]] = []
        self.number = 0

    def look(self, judged: Judged, now: datetime) -> None:
        made = course(self.open.values(), judged, now)
        for alert in (*made.drop, *made.end):
            del self.open[alert.alarm.key]
        self.told += [(Stage.OVER, alert.alarm.key) for alert in made.end]
        for alert, alarm, began, stage in made.last:
            told_at = now if stage else alert.told_at
            self.open[alarm.key] = Alert(
                id=alert.id, alarm=alarm, began_at=began, seen_at=now, told_at=told_at
            )
            self.told += [(stage, alarm.key)] if stage else []
        for alarm, at_once in made.begin:
            self.number += 1
            self.open[alarm.key] = Alert(
                id=self.number, alarm=alarm, began_at=now, seen_at=now, told_at=now if at_once else None
            )
            self.told += [(Stage.BEGIN, alarm.key)] if at_once else []


def judged(*alarms: Alarm, unknown: frozenset[Kind] = frozenset()) -> Judged:
    return Judged({alarm.key: alarm for alarm in alarms}, unknown)


def test_it_is_told_once_again_after_a_day_and_when_it_is_over() -> None:
    kept, now = Kept(), NOW
    for _ in range(3 * 1440):
        kept.look(judged(STALE), now)
        now += MINUTE
    kept.look(judged(), now)
    kept.look(judged(), now + MINUTE)
    assert [stage for stage, _ in kept.told] == [Stage.BEGIN, Stage.AGAIN, Stage.AGAIN, Stage.OVER]


def test_what_does_not_last_is_not_told() -> None:
    kept = Kept()
    for minute in range(60):
        kept.look(judged(*([QUEUE] if minute % 8 else [])), NOW + minute * MINUTE)
    assert kept.told == []
    for minute in range(60, 120):
        kept.look(judged(QUEUE), NOW + minute * MINUTE)
    assert kept.told == [(Stage.BEGIN, "queue")]
    for minute in range(120, 180):  # it comes back before its end is told
        kept.look(judged(*([QUEUE] if minute % 8 == 0 else [])), NOW + minute * MINUTE)
    assert kept.told == [(Stage.BEGIN, "queue")]
    for minute in range(180, 192):
        kept.look(judged(), NOW + minute * MINUTE)
    assert [stage for stage, _ in kept.told] == [Stage.BEGIN, Stage.OVER]


def test_where_nobody_looked_meanwhile_the_wait_begins_anew() -> None:
    kept = Kept()
    kept.look(judged(QUEUE), NOW)
    kept.look(judged(QUEUE), NOW + timedelta(hours=8))  # all was off for the night
    assert kept.told == []
    for minute in range(12):
        kept.look(judged(QUEUE), NOW + timedelta(hours=8) + minute * MINUTE)
    assert kept.told == [(Stage.BEGIN, "queue")]


@pytest.mark.parametrize("alarm", [STALE, QUEUE])
def test_what_cannot_be_judged_neither_ends_nor_begins(alarm: Alarm) -> None:
    kept, now = Kept(), NOW
    for _ in range(12):
        kept.look(judged(alarm), now)
        now += MINUTE
    for _ in range(60):
        kept.look(judged(unknown=frozenset({alarm.kind})), now)
        now += MINUTE
    assert [stage for stage, _ in kept.told] == [Stage.BEGIN]
    kept.look(judged(), now)
    assert [stage for stage, _ in kept.told] == [Stage.BEGIN, Stage.OVER]


REACHED: Counter[str] = Counter()
#: What one look finds: the state, nothing, or that it cannot be said; and the minutes since the last one.
looks = st.lists(
    st.tuples(
        st.sampled_from(["so", "not", "unknown"]), st.one_of(st.integers(1, 90), st.integers(600, 1500))
    ),
    max_size=40,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(looks=looks, alarm=st.sampled_from([STALE, QUEUE]))
def test_by_random_looks(looks: list[tuple[str, int]], alarm: Alarm) -> None:
    kept, now, seen = Kept(), NOW, []
    for found, minutes in looks:
        now += minutes * MINUTE
        unknown = frozenset({alarm.kind}) if found == "unknown" else frozenset()
        before = len(kept.told)
        kept.look(judged(*([alarm] if found == "so" else []), unknown=unknown), now)
        seen.append((now, found))
        news = [stage for stage, _ in kept.told[before:]]
        assert len(news) <= 1
        if news:
            REACHED[news[0]] += 1
            # It is told only by a look that found it, and its end only by one that did not.
            assert found == ("not" if news[0] is Stage.OVER else "so")
        if news == [Stage.BEGIN] and alarm.hold:
            # Somebody has found it at each look for as long as it must last, never far apart.
            run = [at for at, what in seen if what != "unknown"]
            first = next(at for at in run if now - at <= alarm.hold or at == run[0])
            assert all(what != "not" for at, what in seen if first <= at and now - at < alarm.hold)
    stages = [stage for stage, _ in kept.told]
    # Begin, any number of times again, over; and so on.
    text = "".join({"begin": "b", "again": "a", "over": "o"}[stage] for stage in stages)
    rounds = text.split("o")
    assert all(part.startswith("b") and set(part[1:]) <= {"a"} for part in rounds if part)
    assert all(rounds[:-1]), "nothing is over that was not told"
    REACHED["never"] += not stages


def test_random_looks_reached_everything() -> None:
    assert {*Stage, "never"} <= {name for name, count in REACHED.items() if count}
    assert GAP < AGAIN
