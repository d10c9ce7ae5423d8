"""A `207 Multi-Status` answer, read so that what is missing from it is seen.

The library's own reader fails as a whole where one resource has an error and decodes the addresses, which
then name other resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"

ETAG = DAV + "getetag"
DATA = CALDAV + "calendar-data"
RESOURCE_TYPE = DAV + "resourcetype"
DISPLAY_NAME = DAV + "displayname"
COMPONENT_SET = CALDAV + "supported-calendar-component-set"
CALENDAR = CALDAV + "calendar"
COLLECTION = DAV + "collection"


@dataclass(frozen=True)
class Resource:
    """What an answer says of one resource."""

    #: The absolute address, encoded as the server gave it.
    href: str
    #: HTTP status of the resource as a whole.
    status: int = 200
    #: Properties that came with status 200: the XML elements by name.
    found: dict[str, Any] = field(default_factory=dict)
    #: Properties that came with another status.
    refused: dict[str, int] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The text of a property, `None` where there is none."""
        element = self.found.get(name)
        return element.text if element is not None else None

    def inside(self, name: str) -> list[Any]:
        """The elements inside a property."""
        element = self.found.get(name)
        return [child for child in element if isinstance(child.tag, str)] if element is not None else []


def read_multistatus(tree: Any, base: str) -> list[Resource]:
    """The resources of an answer, in its order.

    Arguments:
        tree: The parsed XML.
        base: The address that was asked, against which relative ones are meant.

    Raises:
        ValueError: it is not a multistatus answer.
    """
    if tree is None or tree.tag != DAV + "multistatus":
        raise ValueError("the answer is not a multistatus")
    return [resource for element in tree.iterfind(DAV + "response") for resource in _resources(element, base)]


def _resources(element: Any, base: str) -> Iterator[Resource]:
    found: dict[str, Any] = {}
    refused: dict[str, int] = {}
    for propstat in element.iterfind(DAV + "propstat"):
        status = _code(propstat.findtext(DAV + "status"))
        for prop in propstat.iterfind(DAV + "prop"):
            for child in prop:
                if isinstance(child.tag, str):
                    if status == 200:
                        found[child.tag] = child
                    else:
                        refused[child.tag] = status
    status = _code(element.findtext(DAV + "status"))
    # One status may be told of many addresses at once.
    for href in element.iterfind(DAV + "href"):
        yield Resource(urljoin(base, (href.text or "").strip()), status, found, refused)


def _code(status: str | None) -> int:
    match = re.search(r"\s(\d{3})(?:\s|$)", status or "")
    return int(match[1]) if match else 200
