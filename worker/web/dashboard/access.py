"""Who may come in, and who may do something."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request

from config import Settings
from worker.web.dashboard import passwords
from worker.web.hosts import is_here, name_of

#: What a proxy adds to a request.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class Role(StrEnum):
    """What a visitor may do."""

    #: All that there is.
    OPERATOR = "operator"
    #: Look.
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    role: Role
    #: As a proxy says; empty where nobody does.
    name: str = ""

    @property
    def may_act(self) -> bool:
        """Whether more than looking is allowed."""
        return self.role is Role.OPERATOR


def has_login(settings: Settings) -> bool:
    """Whether anybody is asked who they are."""
    given = (settings.web_password, settings.web_readonly_password, settings.web_user_header)
    return any(one is not None for one in given)


class Access:
    """The rules of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._proxies = [ipaddress.ip_network(proxy) for proxy in settings.web_proxies]
        self.has_login = has_login(settings)
        #: Whether there is a password to ask for.
        self.has_password = settings.web_password is not None or settings.web_readonly_password is not None

    def refusal(self, request: Request) -> str | None:
        """Why a request is not even asked who it is from.

        Without a login only this machine is served, by its own names: a name of somebody else's that leads here is how
        a web page would get at it (DNS rebinding).
        """
        if self.has_login:
            return None
        if request.client is not None and not is_here(request.client.host):
            return "The dashboard has no login, so it is shown on its own machine only. Set WEB_PASSWORD."
        if any(name in request.headers for name in _FORWARDED):
            return "The dashboard has no login, so it is not shown through a proxy. Set WEB_PASSWORD."
        if not is_here(name_of(request.headers.get("host", ""))):
            return "This host name is not served here: use localhost."
        return None

    def visitor(self, request: Request, role: str | None) -> Visitor | None:
        """Who asks; `None` where that is not known.

        Args:
            request: what came; only a trusted proxy's word counts.
            role: of the session that it belongs to, as it was logged in with a password.
        """
        if not self.has_login:
            return Visitor(Role.OPERATOR)
        header = self._settings.web_user_header
        if header is not None and self.is_from_proxy(request):
            name = request.headers.get(header, "").strip()
            if name:
                return Visitor(self._role_of(name, request), name)
        return Visitor(Role(role)) if role in set(Role) and self.has_password else None

    def role_for(self, password: str) -> Role | None:
        """What a password lets do. Both are looked at in any case, so that the time tells nothing."""
        found = None
        for role, kept in (
            (Role.VIEWER, self._settings.web_readonly_password),
            (Role.OPERATOR, self._settings.web_password),
        ):
            if kept is not None and passwords.is_it(password, kept):
                found = role
        return found

    def is_from_proxy(self, request: Request) -> bool:
        """Whether a proxy sent it that is believed."""
        if request.client is None:
            return False
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)

    def address(self, request: Request) -> str:
        """Where it comes from."""
        forwarded = request.headers.get("x-forwarded-for", "")
        if forwarded and self.is_from_proxy(request):
            return forwarded.split(",")[-1].strip()  # the one that the trusted proxy has added itself
        return "" if request.client is None else request.client.host

    def is_secure(self, request: Request) -> bool:
        """Whether it came over TLS."""
        if self.is_from_proxy(request) and "x-forwarded-proto" in request.headers:
            return request.headers["x-forwarded-proto"].strip().lower() == "https"
        return request.url.scheme == "https"

    def hosts(self, request: Request) -> set[str]:
        """The names, with ports, by which the visitor's browser may know this place."""
        found = {request.headers.get("host", "")}
        if self.is_from_proxy(request):
            found.add(request.headers.get("x-forwarded-host", ""))
        return found - {""}

    def _role_of(self, name: str, request: Request) -> Role:
        settings = self._settings
        if not settings.web_operators:
            return Role.OPERATOR
        groups = request.headers.get(settings.web_groups_header or "", "")
        known = {name, *(group.strip() for group in groups.split(","))}
        return Role.OPERATOR if known & set(settings.web_operators) else Role.VIEWER
