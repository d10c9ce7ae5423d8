"""The site: each page has its place, no link leads out of it, and troubleshooting is about messages that there are."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pymdownx.slugs import slugify

from tests.docs.pages import PAGES, ROOT, anchors, links, prose

PROJECT = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
DOCS = [page for page in PAGES if page.parent == ROOT / "docs"]
TROUBLES = re.findall(r"^### `(.+)`$", prose(ROOT / "docs/troubleshooting.md"), re.MULTILINE)
#: Letters of a message that are not different each time.
LEAST = 8


def pages(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for place in entry.values():
            if isinstance(place, str):
                yield place
            else:
                yield from pages(place)


def test_every_page_has_one_place() -> None:
    assert sorted(pages(PROJECT["nav"])) == sorted(page.name for page in DOCS)


def test_no_link_leads_out_of_the_site() -> None:
    known = {path.name for path in (ROOT / "docs").iterdir()}
    seen = 0
    for page in DOCS:
        for link in links(page):
            name = link.partition("#")[0]
            seen += 1
            assert not name or re.match(r"[a-z]+:", name) or name in known, f"{page.name}: {link}"
    assert seen > 100


def test_anchors_are_those_of_github() -> None:
    """Links are tried by GitHub's anchors; the site makes its own by this function."""
    asked = PROJECT["markdown_extensions"]["toc"]["slugify"]
    assert asked["object"] == "pymdownx.slugs.slugify"
    make = slugify(**asked["kwds"])
    for page in DOCS:
        heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
        made = {make(head.replace("`", ""), "-").strip("-") for head in heads}
        assert made == {anchor.strip("-") for anchor in anchors(page)}, page.name


def test_the_site_loads_nothing_from_others() -> None:
    assert PROJECT["theme"]["font"] is False
    assert not {"extra_css", "extra_javascript", "extra"} & PROJECT.keys()


@cache
def said() -> str:
    """All texts in the code, each on a line of its own; a … where an expression stands."""
    texts = []
    for folder in ("config", "tasks", "worker"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    parts = [
                        str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
                    ]
                    texts.append("".join(parts))
    return "\n".join(texts)


def found(message: str) -> bool:
    """Whether some text in the code reads so; each … stands for one thing or several."""
    pattern = ".+".join(map(re.escape, message.strip("… ").split("…")))
    return re.search(pattern, said()) is not None


def test_there_are_troubles() -> None:
    assert len(TROUBLES) > 15
    assert not found("the moon is full: wait for … days")
    assert not found("REDIS_URL is not set: give up")


@pytest.mark.parametrize("message", TROUBLES)
def test_every_message_is_one_that_is_said(message: str) -> None:
    assert len(message.replace("…", "").strip()) >= LEAST
    assert found(message), message
