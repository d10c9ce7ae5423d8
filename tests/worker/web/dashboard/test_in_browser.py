"""The dashboard in a real browser: for every eye and every size, by keyboard, live, and without JavaScript.

LOCKSTEP_PICTURES=docs writes the pictures of the documentation there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.harness.browser import browsing
from tests.worker.web.conftest import serve_app
from tests.worker.web.dashboard.world import World, dressed_world, give_signs
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store import RunRecord

#: Milliseconds for something to appear on a busy machine.
PATIENCE = 30_000
DESK, PHONE = {"width": 1280, "height": 1060}, {"width": 390, "height": 844}
PAGES = (
    "/",
    "/tasks/Team%20to-dos",
    "/tasks/Customer%20visits",
    "/tasks/Release%20plan",
    "/conflicts",
    "/conflicts/2",
    "/budget",
    "/nodes",
    "/tasks/none",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    directory = tmp_path_factory.mktemp("office")
    with RedisServer(directory / "redis") as server, connect_url(server.url) as client, ExitStack() as stack:
        world = dressed_world(directory, server.url, client)
        stack.callback(world.store.close)
        yield world, serve_app(world.app, stack)


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a new window, of which the browser itself had nothing to complain."""
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert [line for line in complaints if "status of 404" not in line] == []
    finally:
        context.close()


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)], ids=str
)
def test_nobody_is_kept_out(browser: Browser, place: tuple[World, str], scheme: Any, size: Any) -> None:
    world, url = place
    run = world.store.runs.list("Team to-dos", 2)[1].run_id
    with window(browser, color_scheme=scheme, viewport=size) as page:
        for path in (*PAGES, f"/runs/{run}"):
            page.goto(url + path)
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            wide = page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
            assert not wide, f"{path} is wider than the screen"
            assert page.locator("h1").count() == 1


def test_the_login_keeps_nobody_out(browser: Browser, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server, connect_url(server.url) as client, ExitStack() as stack:
        world = dressed_world(tmp_path, server.url, client, web_password="correct horse battery")
        stack.callback(world.store.close)
        url = serve_app(world.app, stack)
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url}/conflicts/1")
        page.keyboard.type("wrong")  # the field has the focus
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(f"{url}/conflicts/1")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Prepare the budget talk")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        context.close()
        with window(browser) as again:
            again.goto(f"{url}/login")
            assert Axe().run(again).violations_count == 0


def test_all_is_there_without_javascript(browser: Browser, place: tuple[World, str]) -> None:
    world, url = place
    world.sent.clear()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("things need a look"))
    page.get_by_role("link", name="Reading list").click()
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".notice")).to_contain_text("A worker has been asked")
    context.close()
    assert world.sent == [("Reading list", 3600.0)]


def test_by_keyboard_alone(browser: Browser, place: tuple[World, str]) -> None:
    world, url = place
    world.sent.clear()
    with window(browser) as page:
        page.goto(f"{url}/tasks/Shopping")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")  # the way back
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Run now")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".notice[role=status]")).to_be_visible()
    assert world.sent == [("Shopping", 600.0)]


def test_what_happens_shows_by_itself_and_the_focus_stays(browser: Browser, place: tuple[World, str]) -> None:
    world, url = place
    with window(browser) as page:
        page.goto(url)
        page.evaluate("window.same = true")
        link = page.get_by_role("link", name="Customer visits", exact=True)
        link.focus()
        world.store.runs.enter(
            RunRecord(run_id="now", task="Reading list", status="failed", reason="a new fault")
        )
        try:
            expect(page.get_by_text("Reading list: failed, a new fault")).to_be_visible()
            expect(link).to_be_focused()
            assert page.evaluate("window.same")  # it was not loaded anew
        finally:
            with world.store.write() as connection:
                connection.exec_driver_sql("DELETE FROM run WHERE id = 'now'")


def test_it_says_so_when_nobody_answers(browser: Browser, place: tuple[World, str]) -> None:
    _, url = place
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    context.set_offline(True)
    expect(page.get_by_text("Lockstep does not answer; what is shown is not fresh.")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    context.close()


@pytest.mark.skipif(
    "LOCKSTEP_PICTURES" not in os.environ, reason="LOCKSTEP_PICTURES says where to write them"
)
def test_the_pictures_of_the_documentation(browser: Browser, place: tuple[World, str]) -> None:
    world, url = place
    folder = Path(os.environ["LOCKSTEP_PICTURES"])
    for name, path, scheme, size in (
        ("dashboard", "/", "light", DESK),
        ("dashboard-dark", "/conflicts/2", "dark", {"width": 1280, "height": 560}),
    ):
        with window(browser, color_scheme=scheme, viewport=size, device_scale_factor=1.5) as page:
            give_signs(world)
            page.goto(url + path)
            page.locator(".fresh").wait_for()
            page.screenshot(path=folder / f"{name}.png")
