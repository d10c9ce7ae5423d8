"""The consent of a user: asked for in the browser, answered to an address of this machine (RFC 8252).

`InstalledAppFlow.run_local_server` would take the first request of anybody for the answer, such as that of a browser
for an icon; here only the one with the secret `state` of this flow counts.
"""

from __future__ import annotations

import json
import time
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error

from config.private_files import private_directory
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.google_tasks.login import SCOPE, write_private

#: Seconds that a user has to give consent.
PATIENCE = 300.0
_PARTS = ("client_id", "client_secret", "auth_uri", "token_uri")
_DONE = "Lockstep may sync your tasks now. You can close this window."
_DENIED = "Lockstep was not allowed to sync your tasks. You can close this window."


def ask_consent(
    client_secret: Path,
    token_file: Path,
    *,
    tell: Callable[[str], None],
    open_browser: Callable[[str], Any] | None = webbrowser.open,
    patience: float = PATIENCE,
) -> None:
    """Ask a user for consent, and keep the login in a file that only this user of the machine reads.

    Parameters:
        client_secret: the file of an OAuth client of the type "desktop app", as the Google Cloud console gives it.
        token_file: where the login is kept.
        tell: is told what the user has to do.
        open_browser: opens an address; `None` where there is no browser.
        patience: seconds to wait for the user.

    Raises:
        TaskDefinitionError: the client's file is not there, or none.
        SideError: the user refused or did nothing, or Google did not give a login.
    """
    flow = _flow(client_secret)
    with _Doorway(("127.0.0.1", 0), _Handler) as door:
        flow.redirect_uri = f"http://127.0.0.1:{door.server_port}/"
        address, door.state = flow.authorization_url(access_type="offline", prompt="consent")
        tell(
            f"Open this address in a browser on this machine, and allow Lockstep to sync your tasks:\n{address}"
        )
        if open_browser is not None:
            open_browser(address)
        answer = door.wait(patience)
    if "code" not in answer:
        why = answer.get("error", "it said nothing")
        raise SideError(f"Google did not give consent ({why:.60}): ask again, and allow tasks")
    try:
        flow.fetch_token(code=answer["code"], timeout=30)
    except Warning:  # oauthlib raises one where less was allowed than asked for
        raise SideError("tasks were left out of the consent: ask again, and tick them") from None
    except (OAuth2Error, ValueError) as error:
        code = getattr(error, "error", "") or type(error).__name__
        raise SideError(
            f"Google did not give a login ({code}): make a new file of the OAuth client and ask again"
        ) from None
    except requests.RequestException as error:
        raise SideError(f"Google cannot be reached ({type(error).__name__}): check the network") from None
    if not flow.credentials.refresh_token:
        raise SideError(
            "Google gave a login for an hour only: remove Lockstep from the third-party access of your account, "
            "and ask again"
        )
    try:
        private_directory(token_file.parent)
        write_private(token_file, flow.credentials.to_json())
    except OSError as error:
        raise SideError(f"{token_file} cannot be written: {error.strerror}") from None


def _flow(client_secret: Path) -> Flow:
    make = 'make an OAuth client of the type "desktop app" in the Google Cloud console, and download its JSON'
    try:
        document = json.loads(client_secret.read_text("utf-8"))
    except FileNotFoundError:
        raise TaskDefinitionError(f"there is no file {client_secret}: {make}") from None
    except (OSError, ValueError):
        raise TaskDefinitionError(f"{client_secret} cannot be read as JSON: {make}") from None
    client = document.get("installed") if isinstance(document, dict) else None
    if not isinstance(client, dict):
        raise TaskDefinitionError(f"{client_secret} is of no desktop app: {make}")
    lacking = [name for name in _PARTS if not isinstance(client.get(name), str)]
    if lacking:
        raise TaskDefinitionError(f"{client_secret} has no {', '.join(lacking)}: {make}")
    return Flow.from_client_config(document, scopes=[SCOPE], autogenerate_code_verifier=True)


class _Doorway(HTTPServer):
    """Waits on this machine for the browser to bring the answer."""

    state = ""
    answer: dict[str, str] | None = None

    def wait(self, seconds: float) -> dict[str, str]:
        """The answer.

        Raises:
            SideError: none came in time.
        """
        until = time.monotonic() + seconds
        while self.answer is None:
            self.timeout = until - time.monotonic()
            if self.timeout <= 0:
                raise SideError(f"no consent came within {seconds:.0f} s: ask again")
            self.handle_request()
        return self.answer


class _Handler(BaseHTTPRequestHandler):
    server: _Doorway
    #: Seconds for one who connects and says nothing.
    timeout = 5

    def do_GET(self) -> None:
        """Take the answer, and turn others away."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        ours = bool(self.server.state) and query.get("state") == self.server.state
        if ours and ("code" in query or "error" in query):
            self.server.answer = query
            self._say(200, _DONE if "code" in query else _DENIED)
        else:
            self._say(404, "There is nothing here.")

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the address holds the code."""
