"""OAuth: consent that is given at once, codes with their proof (PKCE), and tokens that expire and can be revoked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from sandbox.google_tasks.clock import Clock

SCOPE = "https://www.googleapis.com/auth/tasks"
#: Seconds for which an access token is good.
LIFETIME = 3599


class OAuthError(Exception):
    """A request for a token is refused."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class _Consent:
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str


@dataclass
class Tokens:
    """The tokens of one account.

    An access token that was never handed out here is let in as well, unless `strict`.
    """

    clock: Clock
    strict: bool = False
    #: Whether the next consent is refused.
    deny: bool = False
    _codes: dict[str, _Consent] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)
    _access: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    #: How often a token was handed out, by grant.
    granted: dict[str, int] = field(default_factory=dict)

    def lets_in(self, token: str) -> bool:
        """Whether requests with this access token are answered."""
        with self._lock:
            until = self._access.get(token)
            return bool(token) and (not self.strict if until is None else until > self.clock.now())

    def expire(self) -> None:
        """No access token that was handed out is good any more."""
        with self._lock:
            self._access = dict.fromkeys(self._access, self.clock.now())

    def revoke(self) -> None:
        """The user takes back the consent."""
        self.expire()
        with self._lock:
            self._refresh.clear()

    def refresh_token(self) -> str:
        """A refresh token, as after a consent."""
        with self._lock:
            token = f"1//{secrets.token_urlsafe(24)}"
            self._refresh.add(token)
            return token

    def access_token(self) -> str:
        """An access token that is good from now on."""
        with self._lock:
            return self._issue()

    def _issue(self) -> str:
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self._access[token] = self.clock.now() + timedelta(seconds=LIFETIME)
        return token

    def consent(self, query: dict[str, str]) -> str:
        """Where the browser is sent when the user says yes, or no.

        Raises:
            OAuthError: the request is not as the installed-app flow has it.
        """
        redirect, state = query.get("redirect_uri", ""), query.get("state", "")
        if query.get("response_type") != "code" or not redirect.startswith(
            ("http://127.0.0.1:", "http://localhost:")
        ):
            raise OAuthError("invalid_request", "redirect_uri_mismatch: only loopback addresses are allowed")
        if self.deny:
            return f"{redirect}?{urlencode({'error': 'access_denied', 'state': state})}"
        code, scope = f"4/{secrets.token_urlsafe(24)}", query.get("scope", SCOPE)
        challenge = (
            query.get("code_challenge", "") if query.get("code_challenge_method", "S256") == "S256" else ""
        )
        with self._lock:
            self._codes[code] = _Consent(query.get("client_id", ""), redirect, challenge, scope)
        return f"{redirect}?{urlencode({'state': state, 'code': code, 'scope': scope})}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        """Hand out a token for a code, a refresh token, or a service account's word.

        Raises:
            OAuthError: it is not good.
        """
        grant = form.get("grant_type", "")
        answer: dict[str, Any] = {"expires_in": LIFETIME, "scope": SCOPE, "token_type": "Bearer"}
        match grant:
            case "authorization_code":
                answer["scope"] = self._take_code(form)
                answer["refresh_token"] = self.refresh_token()
            case "refresh_token":
                with self._lock:
                    if form.get("refresh_token") not in self._refresh:
                        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                _check_assertion(form.get("assertion", ""))
                answer.pop("scope")
            case _:
                raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {grant}")
        with self._lock:
            self.granted[grant] = self.granted.get(grant, 0) + 1
            return {"access_token": self._issue(), **answer}

    def _take_code(self, form: dict[str, str]) -> str:
        """What was consented to."""
        with self._lock:
            consent = self._codes.pop(form.get("code", ""), None)
        if consent is None:
            raise OAuthError("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != consent.redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if consent.challenge and consent.challenge != base64.urlsafe_b64encode(proof).decode().rstrip("="):
            raise OAuthError("invalid_grant", "Invalid code verifier.")
        return consent.scope


def _check_assertion(assertion: str) -> None:
    """Make sure that it says who asks and for what; whose key signed it is not looked at."""
    try:
        body = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        raise OAuthError("invalid_grant", "Invalid JWT Signature.") from None
    if not claims.get("iss") or SCOPE not in str(claims.get("scope", "")).split():
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
