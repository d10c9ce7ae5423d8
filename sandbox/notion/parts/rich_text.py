"""Rich text: written short, kept and shown with every default filled in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sandbox.notion.parts import dates
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, url
from sandbox.notion.state.ids import TITLE, parse_id
from sandbox.notion.state.stored import Stored

_PLAIN: dict[str, Any] = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
MAX_RUNS = 100
_KINDS = ("text", "mention", "equation")
_MENTIONS = (
    "user",
    "page",
    "database",
    "date",
    "link_preview",
    "template_mention",
    "custom_emoji",
    "link_mention",
)


def length(text: str) -> int:
    """Characters as the limits count them."""
    return len(text.encode("utf-16-le")) // 2


def normalise(call: Call, value: Any, path: str) -> list[dict[str, Any]]:
    """Runs as written, in the form in which they are kept and shown."""
    if not isinstance(value, list):
        raise errors.bad_body(path, "an array", value)
    if len(value) > MAX_RUNS:
        raise errors.too_long(path, MAX_RUNS, len(value))
    runs = [_run(call, run, f"{path}[{index}]") for index, run in enumerate(value)]
    return [run for run in runs if run["plain_text"] or run["type"] != "text"]


def _run(call: Call, run: Any, path: str) -> dict[str, Any]:
    if not isinstance(run, dict):
        raise errors.bad_body(path, "an object", run)
    kind = next((kind for kind in _KINDS if kind in run), None)
    if kind is None:
        raise errors.validation(
            f"body failed validation. Fix one:\nbody.{path}.text should be defined, instead was `undefined`.\n"
            f"body.{path}.mention should be defined, instead was `undefined`.\n"
            f"body.{path}.equation should be defined, instead was `undefined`."
        )
    content, plain, href = _PARTS[kind](call, run[kind], f"{path}.{kind}")
    annotations = run.get("annotations") or {}
    if not isinstance(annotations, dict):
        raise errors.bad_body(f"{path}.annotations", "an object", annotations)
    if any(
        not isinstance(value, str if key == "color" else bool)
        for key, value in annotations.items()
        if key in _PLAIN
    ):
        raise errors.bad_body(f"{path}.annotations", "booleans and a color", annotations)
    shown = _PLAIN | {key: value for key, value in annotations.items() if key in _PLAIN}
    return {"type": kind, kind: content, "annotations": shown, "plain_text": plain, "href": href}


def _text(_: Call, value: Any, path: str) -> tuple[dict[str, Any], str, str | None]:
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, str):
        raise errors.bad_body(f"{path}.content", "a string", content)
    if length(content) > 2000:
        raise errors.too_long(f"{path}.content", 2000, length(content))
    link = value.get("link")
    address = link.get("url") if isinstance(link, dict) else None
    if address is not None:
        errors.a_string(address, f"{path}.link.url")
    if address is not None and length(address) > 2000:
        raise errors.too_long(f"{path}.link.url", 2000, length(address))
    address = _with_path(address) if address else None
    return {"content": content, "link": {"url": address} if address else None}, content, address


def _with_path(address: str) -> str:
    """An address in the web as Notion keeps it: a bare host gets a slash."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    bare = parts.scheme in ("http", "https") and parts.netloc and not parts.path
    return urlunsplit(parts._replace(path="/")) if bare else address


def _equation(_: Call, value: Any, path: str) -> tuple[dict[str, Any], str, str | None]:
    expression = value.get("expression") if isinstance(value, dict) else None
    if not isinstance(expression, str):
        raise errors.bad_body(f"{path}.expression", "a string", expression)
    if length(expression) > 1000:
        raise errors.too_long(f"{path}.expression", 1000, length(expression))
    return {"expression": expression}, expression, None


def _mention(call: Call, value: Any, path: str) -> tuple[dict[str, Any], str, str | None]:
    kind = next((kind for kind in _MENTIONS if isinstance(value, dict) and kind in value), None)
    if kind is None:
        raise errors.bad_body(path, "a mention", value)
    target = value[kind]
    if kind != "template_mention":
        errors.an_object(target, f"{path}.{kind}")
    if kind == "date":
        day = dates.normalise(target, f"{path}.date") or {}
        ends = [day["start"], *([day["end"]] if day["end"] else [])]
        return {"type": kind, kind: day}, " → ".join(ends), None
    if kind == "user":
        user = call.find_in_body("user", f"{path}.user.id", target.get("id"))
        from sandbox.notion.parts.users import show_user

        return {"type": kind, kind: show_user(user)}, f"@{user.doc.get('name')}", None
    if kind in ("page", "database"):
        return _object_mention(call, kind, target, path)
    if kind == "custom_emoji":
        return {"type": kind, kind: target}, f":{target.get('name', '')}:", None
    if kind in ("link_preview", "link_mention"):
        address = target.get("url") or target.get("href")
        return {"type": kind, kind: target}, str(address), address
    return {"type": kind, kind: target}, "@Today", None


def _object_mention(call: Call, kind: str, target: Any, path: str) -> tuple[dict[str, Any], str, str | None]:
    given = errors.an_object(target, f"{path}.{kind}").get("id")
    object_id = parse_id(given)
    if object_id is None:
        raise errors.bad_body(f"{path}.{kind}.id", "a valid uuid", given)
    obj = call.store.get(object_id)
    if obj is None:
        return {"type": kind, kind: {"id": object_id}}, "Untitled", url("", object_id)
    return {"type": kind, kind: {"id": object_id}}, title_of(obj) or "Untitled", url("", object_id)


_PARTS = {"text": _text, "mention": _mention, "equation": _equation}


def joined(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs with neighbours of the same formatting made one."""
    found: list[dict[str, Any]] = []
    for run in runs:
        last = found[-1] if found else run
        alike = last["type"] == run["type"] == "text" and last["annotations"] == run["annotations"]
        if not found or not alike or last["text"]["link"] != run["text"]["link"]:
            found.append(run)
            continue
        content = last["plain_text"] + run["plain_text"]
        found[-1] = last | {"text": last["text"] | {"content": content}, "plain_text": content}
    return found


def plain_run(content: str) -> dict[str, Any]:
    """A run of text without formatting, as it is kept and shown."""
    text = {"content": content, "link": None}
    return {"type": "text", "text": text, "annotations": dict(_PLAIN), "plain_text": content, "href": None}


def plain(runs: list[dict[str, Any]] | None) -> str:
    """The text without its formatting."""
    return "".join(run["plain_text"] for run in runs or [])


def title_of(obj: Stored) -> str:
    """The plain title of a page, database or data source."""
    if obj.kind == "page":
        return plain(obj.doc["values"].get(TITLE))
    return plain(obj.doc.get("title"))
