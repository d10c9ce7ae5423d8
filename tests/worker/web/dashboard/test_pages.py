"""What the pages say, and what their forms do: with real runs over two real sides."""

from __future__ import annotations

import asyncio
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.merge import Name
from tests.worker.web.dashboard.conftest import MakeWorld
from tests.worker.web.dashboard.world import MARKUP, World
from worker.lock import RedisSyncLock
from worker.store import RunRecord
from worker.telling.spans import ago, span
from worker.web.application import make_app
from worker.web.dashboard.budget import COLUMNS, EVERY, KEPT, Budget, Sample, columns
from worker.web.dashboard.glance import Glance
from worker.web.dashboard.group import dashboard
from worker.web.dashboard.sparkline import HEIGHT, sparkline
from worker.web.dashboard.wording import link, value
from worker.web.health import health

ESCAPED = "&lt;img src=x onerror="
SECRET = "secret_0123456789abcdefghij"


def conflict_of(world: World, left: str = "yes", right: str = "no") -> int:
    """The number of a conflict that waits: both sides changed one attribute."""
    sides = world.tasks["to-dos"].sides
    sides.notion.create(Name=f"Milk {MARKUP}", Done="open")
    assert world.run("to-dos").status == "succeeded"
    (one,), (other,) = sides.notion.rows(), sides.other.rows()
    sides.notion.update(one.id, Done=left)
    sides.other.update(other.id, done=right)
    assert world.run("to-dos").status == "conflicts"
    (record,) = world.store.conflicts.list("to-dos")
    return record.id


def halted_plan(world: World) -> str:
    """The id of a plan that a guard halted: it would delete nearly all."""
    sides = world.tasks["to-dos"].sides
    for number in range(12):
        sides.notion.create(Name=f"{number} {MARKUP}", Done=False)
    assert world.run("to-dos").status == "succeeded"
    for row in sides.other.rows()[1:]:
        sides.other.delete(row.id)
    assert world.run("to-dos").status == "halted"
    (kept,) = world.store.plans.list("to-dos")
    return kept.id


def test_the_overview_tells_how_every_task_goes(world: World) -> None:
    conflict_of(world)
    with world.browser() as browser:
        page = browser.get("/").text
    assert "1 with conflicts, 1 that never ran" in page
    assert 'class="chip warn">conflicts<' in page
    assert 'class="chip quiet">never ran<' in page
    assert 'aria-label="The last 2 runs: 1 succeeded, 1 with conflicts"' in page
    assert "50 % &amp; &lt;b&gt;" in page
    assert 'href="/tasks/50%20%25%20%26%20%3Cb%3E"' in page
    assert "Nobody has given a sign of life." in page


def test_every_task_has_a_page_whatever_its_name(world: World) -> None:
    with world.browser() as browser:
        page = browser.get("/tasks/50%20%25%20%26%20%3Cb%3E")
        assert page.status_code == 200
        assert "<h1>50 % &amp; &lt;b&gt;</h1>" in page.text
        assert "It has not run yet." in page.text
        asked = browser.post("/tasks/50%20%25%20%26%20%3Cb%3E/run")
        assert asked.headers["location"] == "/tasks/50%20%25%20%26%20%3Cb%3E?said=asked"
    assert world.sent == [("50 % & <b>", 300.0)]


@pytest.mark.parametrize(
    "path", ["/tasks/x", "/tasks/" + "%3Cb%3E", "/runs/none", "/conflicts/77", "/static/none.css"]
)
def test_what_is_not_there_is_said_to_be_missing(world: World, path: str) -> None:
    with world.browser() as browser:
        answer = browser.get(path)
    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_a_task_shows_its_mapping_and_its_runs(world: World) -> None:
    conflict_of(world)
    with world.browser() as browser:
        page = browser.get("/tasks/to-dos").text
        assert re.search(r"<td>Name</td>.*<td>title</td>", page, re.DOTALL)
        assert "both ways" in page
        assert "nobody&#39;s value stays: a person decides" in page
        runs = re.findall(r'href="(/runs/[0-9a-f]+)"', page)
        assert len(runs) == 2
        first = browser.get(runs[1]).text
    assert "created" in first
    assert ESCAPED in first
    assert "<img" not in first
    assert "in The other side" not in first  # as it stands in a sentence


def test_titles_stand_where_messages_have_ids(world: World) -> None:
    object_id = "2b1c9d30-77aa-4a08-9a0e-1f2e3d4c5b6a"
    run = RunRecord(
        run_id="r1",
        task="to-dos",
        status="incomplete",
        reason=f"{object_id}: its date does not fit",
        notes=[f"{object_id}: its date does not fit", "and another one"],
        names={("Notion", object_id): Name(f"Milk {MARKUP}")},
        finished_at=datetime.now(UTC),
    )
    world.store.runs.enter(run)
    with world.browser() as browser:
        for path in ("/", "/tasks/to-dos", "/runs/r1"):
            page = browser.get(path).text
            assert "its date does not fit" in page
            assert object_id not in page
            assert ESCAPED[:12] in page
            assert "<img" not in page


@pytest.mark.parametrize(("side", "wanted"), [("left", "yes"), ("right", "no")])
def test_one_click_takes_either_value(world: World, side: str, wanted: str) -> None:
    number = conflict_of(world)
    sides = world.tasks["to-dos"].sides
    with world.browser() as browser:
        page = browser.get(f"/conflicts/{number}").text
        assert (
            page.index('<div class="text">yes')
            < page.index(">open</div>")
            < page.index('<div class="text">no')
        )
        assert page.count("Take this value") == 2
        assert 'class="chip warn">open<' in page
        done = browser.post(f"/conflicts/{number}/take", side=side)
        assert done.headers["location"] == f"/conflicts/{number}"
        after = browser.get(f"/conflicts/{number}").text
        assert "brought back" in after
    assert [row.attrs["Done"] for row in sides.notion.rows()] == [wanted]
    assert [row.attrs["done"] for row in sides.other.rows()] == [wanted]
    assert world.store.runs.list("to-dos", 1)[0].kind == "restore"


def test_a_conflict_is_marked_as_seen_and_counted_no_more(world: World) -> None:
    number = conflict_of(world)
    with world.browser() as browser:
        assert "Mark as seen" in browser.get(f"/conflicts/{number}").text
        before, runs = browser.get("/").text, world.store.runs.count()
        said = browser.post(f"/conflicts/{number}/done").headers["location"]
        assert said == f"/conflicts/{number}?said=seen"
        page = browser.get(f"/conflicts/{number}").text
        assert "Marked as seen by somebody, on the dashboard" in page
        assert "Mark as seen" not in page
        assert "Take this value" in page
        assert browser.get("/").text != before
        again = browser.post(f"/conflicts/{number}/done").headers["location"]
        assert again == f"/conflicts/{number}?said=seen-before"
        assert browser.post("/conflicts/99/done").status_code == 404
    assert world.store.conflicts.count("to-dos", unseen=True) == 0
    assert (world.store.conflicts.count("to-dos"), world.store.runs.count()) == (1, runs)


def test_a_value_that_is_neither_is_not_taken(world: World) -> None:
    number = conflict_of(world)
    before = world.store.runs.count("to-dos")
    with world.browser() as browser:
        for side in ("", "middle"):
            assert browser.post(f"/conflicts/{number}/take", side=side).status_code == 400
        assert browser.post("/conflicts/99/take", side="left").status_code == 404
    assert world.store.runs.count("to-dos") == before


def test_a_halted_plan_is_approved_as_it_is_shown(world: World) -> None:
    plan = halted_plan(world)
    sides = world.tasks["to-dos"].sides
    with world.browser() as browser:
        page = browser.get("/tasks/to-dos").text
        assert "A halted plan waits for you" in page
        assert page.count('class="verb delete"') == 11
        assert ESCAPED in page
        assert "<img" not in page
        done = browser.post(f"/tasks/to-dos/plans/{plan}/approve")
        assert done.headers["location"].startswith("/runs/")
        assert "An approved plan: " in browser.get(done.headers["location"]).text
        assert "A halted plan waits" not in browser.get("/tasks/to-dos").text
        again = browser.post(f"/tasks/to-dos/plans/{plan}/approve")
        assert again.status_code == 409
        assert "was applied" in again.text
    assert len(sides.notion.rows()) == 1


def test_a_plan_for_other_objects_is_not_approved(world: World) -> None:
    plan = halted_plan(world)
    sides = world.tasks["to-dos"].sides
    late = sides.notion.rows()[5]
    sides.notion.update(late.id, Done="meanwhile")
    with world.browser() as browser:
        done = browser.post(f"/tasks/to-dos/plans/{plan}/approve")
        assert 'class="chip bad">halted<' in browser.get(done.headers["location"]).text
    assert len(sides.notion.rows()) == 12


def test_a_task_is_paused_and_resumed(world: World) -> None:
    with world.browser() as browser:
        assert "/tasks/to-dos/resume" not in browser.get("/tasks/to-dos").text
        assert browser.post("/tasks/to-dos/pause").headers["location"] == "/tasks/to-dos?said=paused"
        kept = world.store.pauses.of("to-dos")
        assert kept is not None
        assert (kept.by, kept.until) == ("somebody, on the dashboard", None)
        page = browser.get("/tasks/to-dos").text
        assert "Paused by somebody, on the dashboard since" in page
        assert "/tasks/to-dos/pause" not in page
        assert browser.post("/tasks/to-dos/resume").headers["location"] == "/tasks/to-dos?said=resumed"
        assert world.store.pauses.of("to-dos") is None
        assert browser.post("/tasks/to-dos/resume").headers["location"] == "/tasks/to-dos?said=not-paused"
        assert "Paused by" not in browser.get("/tasks/to-dos").text


def test_a_rejected_plan_stays_rejected_until_it_is_another_one(world: World) -> None:
    plan = halted_plan(world)
    sides = world.tasks["to-dos"].sides
    with world.browser() as browser:
        done = browser.post(f"/tasks/to-dos/plans/{plan}/reject")
        assert done.headers["location"] == "/tasks/to-dos?said=rejected"
        assert world.run("to-dos").status == "halted"
        page = browser.get("/tasks/to-dos").text
        assert ">rejected<" in page
        assert f"{plan}/reject" not in page
        assert f"{plan}/approve" in page
        sides.notion.create(Name="One more", Done=False)
        assert world.run("to-dos").status == "halted"
        assert ">rejected<" not in browser.get("/tasks/to-dos").text
        assert browser.post(f"/tasks/to-dos/plans/{plan}/approve").status_code == 409
    assert len(sides.notion.rows()) == 13


def test_held_objects_are_let_go(world: World) -> None:
    conflict_of(world)
    held = world.store.memories.held("to-dos")
    assert held
    with world.browser() as browser:
        page = browser.get("/tasks/to-dos").text
        assert "Held objects" in page
        assert browser.post("/tasks/to-dos/retry", object="nobody").headers["location"].endswith("none-held")
        assert world.store.memories.held("to-dos") == held
        done = browser.post("/tasks/to-dos/retry", object=held[0].pair[0])
        assert done.headers["location"].endswith("said=released")
    assert not world.store.memories.held("to-dos")


def test_the_next_run_is_told_before_it_is_made(world: World) -> None:
    sides = world.tasks["to-dos"].sides
    sides.notion.create(Name=f"Milk {MARKUP}", Done=False)
    with world.browser() as browser:
        page = browser.post("/tasks/to-dos/plan")
        assert page.status_code == 200
        assert "The next run would make 1 write" in page.text
        assert ESCAPED in page.text
        sides.notion.refuse(f"the token {SECRET} is not known")
        refused = browser.post("/tasks/to-dos/plan")
        assert refused.status_code == 409
        assert "is not known" in refused.text
        assert SECRET not in refused.text
    assert not sides.other.rows()
    assert world.store.runs.count("to-dos") == 0


def test_an_order_waits_for_the_run_that_is_under_way(world: World) -> None:
    plan = halted_plan(world)
    lock = RedisSyncLock(world.redis)
    session = lock.acquire("to-dos")
    try:
        with world.browser() as browser:
            token = browser.token()

            async def meanwhile() -> None:
                await asyncio.sleep(0.5)
                lock.release(session, "succeeded")

            async def both() -> str:
                work = asyncio.to_thread(browser.post, f"/tasks/to-dos/plans/{plan}/approve", token=token)
                answer, _ = await asyncio.gather(work, meanwhile())
                return str(answer.headers["location"])

            location = asyncio.run(both())
            assert "An approved plan" in browser.get(location).text
    finally:
        lock.close()
    assert not [run for run in world.store.runs.list("to-dos", 10) if run.status == "skipped"]


def test_a_dashboard_that_is_not_wanted_is_not_there(world_of: MakeWorld) -> None:
    world = world_of(web_dashboard=False)
    with world.browser() as browser:
        assert browser.get("/").status_code == 404
        assert browser.get("/livez").status_code == 200


def test_no_page_lets_anything_else_in(world: World) -> None:
    number = conflict_of(world)
    with world.browser() as browser:
        pages = [
            "/",
            "/tasks/to-dos",
            f"/conflicts/{number}",
            "/conflicts",
            "/nodes",
            "/budget",
            "/tasks/none",
        ]
        for path in pages:
            answer = browser.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert (
                answer.headers["referrer-policy"] == "same-origin"
            )  # `no-referrer` would hide our own origin
            assert not re.search(
                r"\sstyle=|\son\w+=|<script>|<style", answer.text.replace("onerror=&#34;", "")
            )
        style = browser.get("/static/dashboard.css")
        assert style.headers["content-type"].startswith("text/css")
        assert "immutable" in style.headers["cache-control"]


def test_a_form_that_is_too_large_is_refused(world: World) -> None:
    with world.browser() as browser:
        token = browser.token()
        assert browser.post("/tasks/to-dos/retry", token=token, object="x" * 20_000).status_code == 413
        many = {f"field{number}": "" for number in range(50)}
        assert browser.post("/tasks/to-dos/retry", token=token, **many).status_code == 400


def test_without_the_database_it_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.browser() as browser:
        assert browser.get("/").status_code == 200
        monkeypatch.setattr(world.store, "_url", world.store._url)
        world.store.engine.dispose()
        world.store.file.path.rename(world.store.file.path.with_suffix(".away"))  # type: ignore[union-attr]
        world.store.file.path.mkdir()  # type: ignore[union-attr]
        answer = browser.get("/conflicts")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert str(world.store.file.path) not in answer.text  # type: ignore[union-attr]


async def test_many_lookers_are_one_look(world: World) -> None:
    glance = Glance(world.resources, fresh=60)
    looks = await asyncio.gather(*(glance.look() for _ in range(20)))
    assert glance.looks == 1
    assert all(look is looks[0] for look in looks)
    glance.forget()
    assert (await glance.look()) is not looks[0]


async def test_a_look_from_before_a_change_does_not_stand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    glance = Glance(world.resources, fresh=60)
    begun, go_on, see = threading.Event(), threading.Event(), glance._see

    def slowly() -> Any:
        begun.set()
        go_on.wait(30)
        return see()

    monkeypatch.setattr(glance, "_see", slowly)
    early = asyncio.ensure_future(glance.look())
    await asyncio.to_thread(begun.wait, 30)
    glance.forget()
    go_on.set()
    first = await early
    assert (await glance.look()) is not first
    assert glance.looks == 2


def test_samples_of_the_budget_are_taken_once_a_minute_and_kept_for_a_day(world: World) -> None:
    budget, other = Budget(world.resources), Budget(world.resources)
    assert not budget.samples()
    assert [budget.sample(), other.sample(), budget.sample()] == [True, False, False]
    now = datetime.now(UTC)
    samples = [
        Sample(now - timedelta(seconds=seconds), "t", 0, 0, share)
        for seconds, share in (
            (KEPT * EVERY * 2, 0.9),
            (KEPT * EVERY - 1, 0.5),
            (61, 1.4),
            (60, 0.2),
            (0, 0.85),
        )
    ]
    found = {(column.x, column.height, column.tone) for column in columns(samples, now)}
    assert found == {(0, 50.0, "busy"), (COLUMNS - 1, 100.0, "bad")}


def test_the_picture_of_runs_is_in_order_and_tells_the_same_in_words() -> None:
    def run(seconds: float, status: str) -> RunRecord:
        start = datetime(2026, 11, 1, tzinfo=UTC)
        return RunRecord(
            run_id="r",
            task="t",
            status=status,
            started_at=start,
            finished_at=start + timedelta(seconds=seconds),
        )

    made = sparkline([run(0.1, "failed"), run(100, "succeeded"), run(1, "succeeded")], 5)
    assert [bar.tone for bar in made.bars] == ["good", "good", "bad"]
    assert [bar.x for bar in made.bars] == sorted(bar.x for bar in made.bars)
    assert made.bars[0].height < made.bars[1].height < made.bars[2].height == HEIGHT
    assert made.label == "The last 3 runs: 2 succeeded, 1 failed"
    assert all(bar.y + bar.height == pytest.approx(HEIGHT) for bar in made.bars)
    assert sparkline([], 5).label == "No runs yet"


def test_words_for_times_values_and_addresses() -> None:
    assert [span(seconds) for seconds in (0, 0.25, 59.6, 3600, 93_784, None)] == [
        "0 s",
        "0.2 s",
        "1 min",
        "1 h",
        "1 d 2 h",
        "–",
    ]
    now = datetime.now(UTC)
    assert ago(now + timedelta(minutes=10, seconds=1)) == "in 10 min"
    assert ago(now - timedelta(hours=3)) == "3 h ago"
    assert ago(None) == "never"
    assert value("a\x1b[31m\nb") == "a [31m\nb"
    assert value({"Name": "x", "Tags": ("a", "b")}) == "Name: x\nTags: a, b"
    assert value(True) == "yes"
    assert len(value("x" * 5000)) == 2000
    assert link("https://x.example/a") == "https://x.example/a"
    assert [link(bad) for bad in ("javascript:alert(1)", "https://x y", "data:text/html,x", "")] == [
        "",
        "",
        "",
        "",
    ]


def test_health_stays_open_beside_it(world_of: MakeWorld) -> None:
    world = world_of(web_password="correct horse battery")
    app = make_app(world.resources, [health, dashboard])
    assert {getattr(route, "path", "") for route in app.routes} >= {"/healthz", "/", "/login"}
    with world.browser("http://sync.example.org", "203.0.113.9") as browser:
        assert browser.get("/readyz").status_code == 200
