"""Pages of templates, with headers that let nothing else in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from worker.web.dashboard.wording import FILTERS

#: Nothing but our own files, and no other site around them. The referrer is kept among our own pages: a browser that
#: was told to say none says `Origin: null` in forms.
SAFE: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Pages:
    """Templates and files of this package, read once."""

    def __init__(self) -> None:
        folder = resources.files(__package__) / "static"
        self._files = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
        version = hashlib.sha256(b"".join(self._files[name] for name in sorted(self._files))).hexdigest()[:12]
        self._environment = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["version"] = version
        self._environment.filters.update(FILTERS)

    def page(self, template: str, http_status: int = 200, **values: Any) -> Response:
        """A page, with the time of now in it."""
        text = self._environment.get_template(template).render(values)
        return Response(text, http_status, media_type="text/html", headers=dict(SAFE))

    def file(self, request: Request) -> Response:
        """A style sheet, a script or a picture. Their addresses change with them, so browsers keep them."""
        name = str(request.path_params["name"])
        if name not in self._files:
            return Response(status_code=404, headers=dict(SAFE))
        headers = {**SAFE, "cache-control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], media_type=_KINDS[name.rpartition(".")[2]], headers=headers)
