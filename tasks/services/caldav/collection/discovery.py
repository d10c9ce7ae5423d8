"""Finding a calendar: by its own address, or by its name from the address of a server or of a mailbox (RFC 6764).

A login leaves for the scheme, host and port that the user named and for no other. Where a server says that the
calendars lie elsewhere, that is told, so that the user can name the place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import unquote, urljoin, urlsplit

from tasks.errors import SideError, TaskDefinitionError, TaskError
from tasks.services.caldav.collection.resources import SPACES, XML, parse
from tasks.services.caldav.collection.sync import VERSION_PROPS, Version
from tasks.services.caldav.entries.codec import Codec
from tasks.services.caldav.server import multistatus
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.server.multistatus import Resource

#: Where a server tells where its calendars are.
WELL_KNOWN = "/.well-known/caldav"
#: Redirections that are followed, one after the other.
MOST_STEPS = 5
#: Calendars that a message names.
_SHOWN = 12

_CALENDAR_PROPS = (
    f"{XML}<D:propfind {SPACES}><D:prop><D:resourcetype/><D:displayname/>"
    f"<C:supported-calendar-component-set/>{VERSION_PROPS}</D:prop></D:propfind>"
)
_PLACE_PROPS = (
    f"{XML}<D:propfind {SPACES}><D:prop>"
    "<D:current-user-principal/><C:calendar-home-set/></D:prop></D:propfind>"
)
_PRINCIPAL = multistatus.DAV + "current-user-principal"
_HOME_SET = multistatus.CALDAV + "calendar-home-set"


@dataclass(frozen=True)
class Named:
    """A calendar of a user."""

    href: str
    name: str
    #: Whether it takes entries of the kind that was asked for.
    takes: bool


async def check_calendar(client: CalDAVClient, codec: Codec) -> tuple[str, Version]:
    """Make sure that there is a calendar at the client's address and that it takes such entries.

    Gives its name, where it has one, and how far it is.

    Raises:
        TaskDefinitionError: there is none, or it takes none.
        SideError: the server cannot be reached or refuses the user.
    """
    answer = await client.request("PROPFIND", client.url, _CALENDAR_PROPS, depth(0))
    found = await parse(client, answer.body, client.url) if answer.status == 207 else []
    if answer.status not in (207, 404, 410, 405):
        raise SideError(f"{client.server} answered {answer.status} when asked for {client.url}")
    calendars = [one for one in found if is_calendar(one)]
    if not calendars:
        raise TaskDefinitionError(f"there is no calendar at {client.url}{await _suggestion(client, codec)}")
    if not any(_takes(one, codec) for one in found):
        raise TaskDefinitionError(
            f"the calendar at {client.url} takes no {codec.nouns}{await _suggestion(client, codec)}"
        )
    name = " ".join((calendars[0].text(multistatus.DISPLAY_NAME) or "").split())
    return name, Version.of(calendars[0])


async def find_calendar(client: CalDAVClient, name: str, codec: Codec, *, by_mail: bool = False) -> str:
    """The address of the user's calendar of this name.

    Arguments:
        client: Bound to the server's address.
        name: As apps show it, or the last part of its address; letters' case counts only where two would fit.
        codec: What it has to take.
        by_mail: Whether the address is made of a mailbox, so that only the server's word says where to begin.

    Raises:
        TaskDefinitionError: there is none of this name, or several, or the calendars lie on another server.
        SideError: the server cannot be reached, refuses the user or does not tell where calendars are.
    """
    calendars = await list_calendars(client, codec, by_mail=by_mail)
    usable = [one for one in calendars if one.takes]
    for fits in (str.__str__, _folded):
        same = [one for one in usable if fits(one.name) == fits(name)] or [
            one for one in usable if fits(_last_part(one.href)) == fits(name)
        ]
        if len(same) == 1:
            return same[0].href.rstrip("/") + "/"
        if same:
            places = ", ".join(one.href for one in same)
            raise TaskDefinitionError(
                f"{client.server} has {len(same)} calendars {name!r}: give the address of one of them, {places}"
            )
    if any(_folded(one.name) == _folded(name) for one in calendars):
        raise TaskDefinitionError(f"the calendar {name!r} on {client.server} takes no {codec.nouns}")
    nearest = sorted(
        (one.name for one in usable), key=lambda other: -SequenceMatcher(a=other, b=name).ratio()
    )
    raise TaskDefinitionError(
        f"{client.server} has no calendar {name!r}; those with {codec.nouns} are "
        + (", ".join(map(repr, nearest[:_SHOWN])) or "none")
    )


async def list_calendars(client: CalDAVClient, codec: Codec, *, by_mail: bool = False) -> list[Named]:
    """All calendars of the user; raises as `find_calendar` does, but for what is about a name."""
    return [
        one for home in await _homes(client, by_mail=by_mail) for one in await _calendars(client, home, codec)
    ]


async def _homes(client: CalDAVClient, *, by_mail: bool) -> list[str]:
    """The folders in which the user's calendars are."""
    root = urljoin(client.url, "/")
    starts = [urljoin(root, WELL_KNOWN), root] if by_mail else [client.url, urljoin(root, WELL_KNOWN), root]
    for start in dict.fromkeys(starts):
        found = await _ask(client, start)
        homes = _hrefs(client, found, _HOME_SET)
        if not homes:
            for principal in _hrefs(client, found, _PRINCIPAL):
                homes += _hrefs(client, await _ask(client, principal), _HOME_SET)
        if homes:
            return list(dict.fromkeys(homes))
    if by_mail:
        raise SideError(
            f"{client.server} does not say where its calendars are: give the address of your calendar"
        )
    return [client.url]  # perhaps it is the folder itself


async def _ask(client: CalDAVClient, url: str) -> list[Resource]:
    """What a place says of where calendars are; nothing where it is no place of CalDAV."""
    for _ in range(MOST_STEPS):
        answer = await client.request("PROPFIND", url, _PLACE_PROPS, depth(0), of_one=True)
        if answer.status == 207:
            return await parse(client, answer.body, url)
        location = answer.headers.get("Location")
        if not 300 <= answer.status < 400 or not location:
            return []
        url = _at_home(client, urljoin(url, location))
    raise SideError(f"{client.server} redirects from one address to the next without an end")


async def _calendars(client: CalDAVClient, home: str, codec: Codec) -> list[Named]:
    answer = await client.request("PROPFIND", home, _CALENDAR_PROPS, depth(1), of_one=True)
    if answer.status != 207:
        raise SideError(f"{client.server} answered {answer.status} when asked for the calendars at {home}")
    found = await parse(client, answer.body, home)
    if any(one.status == 507 for one in found):
        raise SideError(f"{client.server} does not name all calendars at {home}: give the address of yours")
    return [
        Named(
            one.href,
            " ".join((one.text(multistatus.DISPLAY_NAME) or _last_part(one.href)).split()),
            _takes(one, codec),
        )
        for one in found
        if is_calendar(one) and client.is_home(one.href)
    ]


def _hrefs(client: CalDAVClient, found: Iterable[Resource], prop: str) -> list[str]:
    """The addresses that a property names."""
    hrefs = [
        (one.href, (inside.text or "").strip())
        for one in found
        for inside in one.inside(prop)
        if inside.tag == multistatus.DAV + "href"
    ]
    return [_at_home(client, urljoin(base, href)) for base, href in hrefs if href]


def _at_home(client: CalDAVClient, url: str) -> str:
    """An address of the server that the user named.

    Raises:
        TaskDefinitionError: it is another one's, where no login is sent.
    """
    if client.is_home(url):
        return url
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    raise TaskDefinitionError(
        f'{client.server} says that your calendars are at another server; if you trust it, give url = "{place}"'
    )


async def _suggestion(client: CalDAVClient, codec: Codec) -> str:
    """Calendars of this kind that lie at the address or beside it, for a message."""
    for url in (client.url, urljoin(client.url, "../")):
        try:
            names = [one.href for one in await _calendars(client, url, codec) if one.takes]
        except TaskError:
            continue  # the first error is told already, this only would have helped with it
        if names:
            return f"; {codec.noun} calendars there: {', '.join(names[:5])}"
    return ""


def depth(number: int) -> dict[str, str]:
    """The headers of a request for properties."""
    return {"Depth": str(number), "Content-Type": 'application/xml; charset="utf-8"'}


def is_calendar(resource: Resource) -> bool:
    """Whether a resource is a calendar."""
    return any(element.tag == multistatus.CALENDAR for element in resource.inside(multistatus.RESOURCE_TYPE))


def _takes(resource: Resource, codec: Codec) -> bool:
    kinds = [element.get("name") for element in resource.inside(multistatus.COMPONENT_SET)]
    return not kinds or codec.component in kinds


def _last_part(href: str) -> str:
    return unquote(urlsplit(href).path).rstrip("/").rpartition("/")[2]


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
