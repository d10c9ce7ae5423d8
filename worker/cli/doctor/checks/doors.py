"""Whom Flower and the web process let in, by the settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from config import Settings
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode
from worker.web.dashboard.access import has_login
from worker.web.hosts import is_here

#: Letters below which a password is guessed.
SHORT = 8

_DOORS = About("Pages")


def door_findings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What is to be said of them.

    Args:
        settings: of this installation.
        environment: variables that Flower reads itself.
    """
    yield _flower(settings, environment)
    yield _web(settings)
    if settings.metrics_token is None:
        yield _DOORS.ok("metrics", "Only this machine reads /metrics.")
    else:
        yield _DOORS.ok("metrics", "/metrics asks for the token of METRICS_TOKEN.")


def _flower(settings: Settings, environment: Mapping[str, str]) -> Finding:
    address = environment.get("FLOWER_ADDRESS", "").strip()
    if settings.flower_basic_auth is None:
        if address and not is_here(address):
            return _DOORS.failed(
                "flower",
                f"Flower would let in everybody who reaches {address}, so it does not start.",
                "Set FLOWER_BASIC_AUTH=user:password, or FLOWER_ADDRESS=127.0.0.1",
                ExitCode.USAGE,
            )
        return _DOORS.ok("flower", "Flower has no login, so it starts for this machine only.")
    logins = settings.flower_basic_auth.get_secret_value().split(",")
    if any(len(login.strip().partition(":")[2]) < SHORT for login in logins):
        return _DOORS.warning(
            "flower",
            f"The password of Flower has fewer than {SHORT} letters, and who guesses it stops workers.",
            "Set a long one in FLOWER_BASIC_AUTH",
        )
    return _DOORS.ok("flower", "Flower asks for a login.")


def _web(settings: Settings) -> Finding:
    if any(ipaddress.ip_network(proxy).prefixlen == 0 for proxy in settings.web_proxies):
        return _DOORS.failed(
            "web",
            "The web process takes everybody for your proxy (LOCKSTEP_WEB_PROXIES has all addresses).",
            "Name only the addresses of your proxy there",
            ExitCode.USAGE,
        )
    if not settings.web_dashboard:
        return _DOORS.ok("web", "The web process shows no dashboard (LOCKSTEP_WEB_DASHBOARD).")
    if has_login(settings):
        return _DOORS.ok("web", "The dashboard asks for a login.")
    return _DOORS.ok("web", "The dashboard has no login, so it is shown on this machine only.")
