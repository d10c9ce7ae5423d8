"""Where the web process may listen: with the dashboard, and without a login, on this machine only."""

from __future__ import annotations

from config import Settings
from worker.telling.failures import CommandError
from worker.web.dashboard.access import has_login
from worker.web.hosts import is_here


def check_listening(settings: Settings, host: str) -> None:
    """See to it that not everybody who reaches this machine sees all and decides.

    Raises:
        CommandError: everybody would.
    """
    if settings.web_dashboard and not has_login(settings) and not is_here(host):
        raise CommandError(
            f"the dashboard would let in everybody who reaches {host}: set WEB_PASSWORD, or let the web process listen "
            "on this machine only with the address 127.0.0.1; where it is for webhooks and database nodes alone, set "
            "LOCKSTEP_WEB_DASHBOARD=false"
        )
