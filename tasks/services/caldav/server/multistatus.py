"""A `207 Multi-Status` answer, read so that what is missing from it is seen.

One resource whose part of the answer cannot be read spoils only itself: it is known by its address, if at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, unescape

from tasks.services.caldav.server.answer import read_xml

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"

ETAG = DAV + "getetag"
DATA = CALDAV + "calendar-data"
RESOURCE_TYPE = DAV + "resourcetype"
DISPLAY_NAME = DAV + "displayname"
COMPONENT_SET = CALDAV + "supported-calendar-component-set"
CALENDAR = CALDAV + "calendar"
COLLECTION = DAV + "collection"

#: Signs that XML cannot hold, as they are or by their numbers.
_NO_SIGNS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:1?[0-8bBcCeEfF]|1[9aAdD]));"
)
_OPAQUE_PARTS = re.compile(rb"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_TAG = re.compile(rb"<(/?)((?:[\w.-]+:)?)(multistatus|response)(?=[\s>/])[^>]*>")
_HREF = re.compile(rb"<(?:[\w.-]+:)?href\b[^>]*>([^<]*)<")


@dataclass(frozen=True)
class Resource:
    """What an answer says of one resource."""

    #: The absolute address, encoded as the server gave it.
    href: str
    #: HTTP status of the resource as a whole.
    status: int = 200
    #: Properties that came with status 200: the XML elements by name.
    found: dict[str, Element] = field(default_factory=dict)
    #: Properties that came with another status.
    refused: dict[str, int] = field(default_factory=dict)
    #: Why what is said of it cannot be used, if it cannot.
    broken: str | None = None

    def text(self, name: str) -> str | None:
        """The text of a property, `None` where there is none."""
        element = self.found.get(name)
        return element.text if element is not None else None

    def inside(self, name: str) -> list[Element]:
        """The elements inside a property."""
        element = self.found.get(name)
        return list(element) if element is not None else []


def read_multistatus(body: bytes, base: str) -> list[Resource]:
    """The resources of an answer, in its order.

    Arguments:
        body: The answer.
        base: The address that was asked, against which relative ones are meant.

    Raises:
        ValueError: it is not a multistatus answer, or it does not come to its end.
    """
    try:
        tree = read_xml(body)
    except ValueError:
        return _read_apart(body, base)
    if tree.tag != DAV + "multistatus":
        raise ValueError("the answer is not a multistatus")
    return [resource for element in tree.iterfind(DAV + "response") for resource in _resources(element, base)]


def read_sync_token(body: bytes) -> str | None:
    """The token of an answer about changes; `None` where there is none, or the answer as a whole is no XML."""
    try:
        return (read_xml(body).findtext(DAV + "sync-token") or "").strip() or None
    except ValueError:
        return None


def _read_apart(body: bytes, base: str) -> list[Resource]:
    """The resources of an answer that as a whole is no XML, each response for itself."""
    body = _OPAQUE_PARTS.sub(lambda part: escape((part[1] or b"").decode("latin-1")).encode("latin-1"), body)
    tags = list(_TAG.finditer(body))
    if [(tag[1], tag[3]) for tag in (*tags[:1], *tags[-1:])] != [
        (b"", b"multistatus"),
        (b"/", b"multistatus"),
    ]:
        raise ValueError("the answer is no complete XML")
    root, *between, end = tags
    resources: list[Resource] = []
    start = root.end()
    for tag in between:
        if tag[3] == b"response" and tag[1]:
            resources += _read_response(
                root[0], body[start : tag.end()], b"</" + root[2] + b"multistatus>", base
            )
            start = tag.end()
    if _HREF.search(body[start : end.start()]):
        raise ValueError("the answer is no complete XML")
    return resources


def _read_response(head: bytes, part: bytes, tail: bytes, base: str) -> Iterator[Resource]:
    """What one response says, or else of which addresses it speaks."""
    try:
        part.decode()
        tree = read_xml(head + _NO_SIGNS.sub(b"", part) + tail)
    except UnicodeDecodeError:
        why = "it holds bytes that are not UTF-8"
    except ValueError:
        why = "what the server says of it is not well-formed XML"
    else:
        for element in tree.iterfind(DAV + "response"):
            yield from _resources(element, base)
        return
    hrefs = [unescape(href.decode(errors="replace")) for href in _HREF.findall(part)]
    if not hrefs:
        raise ValueError(f"of one resource, {why}")
    # The first is the resource's own; others may stand in its properties.
    yield _resource(base, hrefs[0], broken=why)


def _resources(element: Element, base: str) -> Iterator[Resource]:
    found: dict[str, Element] = {}
    refused: dict[str, int] = {}
    for propstat in element.iterfind(DAV + "propstat"):
        status = _code(propstat.findtext(DAV + "status"))
        for prop in propstat.iterfind(DAV + "prop"):
            for child in prop:
                if status == 200:
                    found[child.tag] = child
                else:
                    refused[child.tag] = status
    status = _code(element.findtext(DAV + "status"))
    # One status may be told of many addresses at once.
    for href in element.iterfind(DAV + "href"):
        yield _resource(base, href.text or "", status, found, refused)


def _resource(
    base: str,
    href: str,
    status: int = 200,
    found: dict[str, Element] | None = None,
    refused: dict[str, int] | None = None,
    broken: str | None = None,
) -> Resource:
    try:
        address = urljoin(base, href.strip())
        urlsplit(address).port  # noqa: B018 - raises where it is none
    except ValueError:
        address, broken = urljoin(base, quote(href.strip(), safe="")), "its address cannot be read"
    return Resource(address, status, found or {}, refused or {}, broken)


def _code(status: str | None) -> int:
    match = re.search(r"\s(\d{3})(?:\s|$)", status or "")
    return int(match[1]) if match else 200
