"""Sentry: errors with the task's name, cron check-ins, and nothing that is nobody else's business."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from config.redaction import MASK, Redactor, redactor_for
from config.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk._types import Breadcrumb, Event, Hint
    from sentry_sdk.transport import Transport

#: What stands in quotes in a message may be the value of a property.
QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’")
#: Services repeat a refused value at the end of their message.
REFUSED = re.compile(r"(?P<keep>\b(?:instead was|got|received|but was):?\s).+", re.IGNORECASE | re.DOTALL)

#: Parts of an event that say where and how it happened; any other extra data is left out.
KEPT_EXTRAS = frozenset({"celery-job"})
KEPT_BREADCRUMB_DATA = frozenset({"method", "status_code", "reason"})

#: How the operations of our own spans begin; those of libraries hold addresses and are left out.
OWN_SPANS = "lockstep."
#: Parts of a transaction and of its spans that say what took how long.
KEPT_OF_SPAN = frozenset(
    {
        "op",
        "description",
        "span_id",
        "parent_span_id",
        "trace_id",
        "start_timestamp",
        "timestamp",
        "status",
        "origin",
    }
)
KEPT_OF_TRACE = KEPT_OF_SPAN - {"description"}
KEPT_OF_TRANSACTION = frozenset(
    {
        "type", "transaction", "transaction_info", "event_id", "start_timestamp", "timestamp", "release", "environment",
        "platform", "sdk", "measurements", "_metrics_summary",
    }
)  # fmt: skip


class Scrubber:
    """Takes secrets and property values out of what is about to be sent."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, text: str) -> str:
        """A message without secrets, and without what it quotes."""
        text = QUOTED.sub(lambda found: f"{found[0][0]}…{found[0][-1]}", self._redactor.text(text))
        return REFUSED.sub(lambda found: f"{found['keep']}{MASK}", text)

    def event(self, event: Event, hint: Hint) -> Event:
        """An error event: messages scrubbed, tagged with its task, without request, variables and extras."""
        found = cast("dict[str, Any]", event)
        extra = {name: value for name, value in found.get("extra", {}).items() if name in KEPT_EXTRAS}
        job = extra.get("celery-job")
        if job:
            found.setdefault("tags", {})["task"] = job["task_name"]
            extra["celery-job"] = {"task_name": job["task_name"]}
        found["extra"] = extra
        for name in ("request", "user"):
            found.pop(name, None)
        if isinstance(found.get("logentry"), dict):
            found["logentry"] = self._logentry(found["logentry"], hint.get("log_record"))
        if isinstance(found.get("message"), str):
            found["message"] = self.text(found["message"])
        for group in ("exception", "threads"):
            for value in found.get(group, {}).get("values", ()):
                if isinstance(value.get("value"), str):
                    value["value"] = self.text(value["value"])
                for frame in (value.get("stacktrace") or {}).get("frames", ()):
                    frame.pop("vars", None)
        breadcrumbs = found.get("breadcrumbs")
        if isinstance(breadcrumbs, dict):
            breadcrumbs["values"] = [self.breadcrumb(crumb, {}) for crumb in breadcrumbs.get("values", ())]
        return cast("Event", self._redactor.value(found))

    def transaction(self, event: Event, hint: Hint) -> Event | None:
        """The trace of a run: how long which phase took, and nothing of what was read or written."""
        found = cast("dict[str, Any]", event)
        trace = {
            name: value
            for name, value in (found.get("contexts") or {}).get("trace", {}).items()
            if name in KEPT_OF_TRACE
        }
        kept = {name: value for name, value in found.items() if name in KEPT_OF_TRANSACTION}
        spans = [
            {name: value for name, value in span.items() if name in KEPT_OF_SPAN}
            for span in found.get("spans") or ()
            if str(span.get("op", "")).startswith(OWN_SPANS)
        ]
        return cast("Event", self._redactor.value({**kept, "contexts": {"trace": trace}, "spans": spans}))

    def _logentry(self, entry: dict[str, Any], record: logging.LogRecord | None) -> dict[str, Any]:
        """A log call's own words, and the words with those arguments that may be told."""
        scrubbed = {"message": self.text(str(entry.get("message", "")))}
        if record is not None:
            scrubbed["formatted"] = self._words(record)
        return scrubbed

    def _words(self, record: logging.LogRecord) -> str:
        """What was logged; of the arguments only errors and numbers, since the others may be values."""
        words = str(record.msg)
        if isinstance(record.args, tuple) and record.args:
            with suppress(TypeError, ValueError):  # where the rest does not fit, the words alone will do
                words %= tuple(self._argument(argument) for argument in record.args)
        return self.text(words)

    def _argument(self, argument: Any) -> Any:
        if isinstance(argument, bool | int | float):
            return argument
        return self.text(str(argument)) if isinstance(argument, Exception) else "…"

    def breadcrumb(self, crumb: Breadcrumb, hint: Hint) -> Breadcrumb:
        """What happened before an error: kept with scrubbed words, without the data that came along."""
        record = hint.get("log_record")
        if record is not None:
            crumb["message"] = self._words(record)
        elif isinstance(crumb.get("message"), str):
            crumb["message"] = self.text(crumb["message"])
        crumb["data"] = {
            name: value for name, value in (crumb.get("data") or {}).items() if name in KEPT_BREADCRUMB_DATA
        }
        return crumb


def _release() -> str | None:
    try:
        return f"lockstep-sync@{version('lockstep-sync')}"
    except PackageNotFoundError:
        return None


def init_sentry(
    settings: Settings,
    *,
    transport: type[Transport] | Transport | None = None,
) -> bool:
    """Start reporting to Sentry; without a `SENTRY_DSN` nothing is started and nothing is ever sent.

    Call it in every process that runs or schedules tasks.

    Args:
        settings: give the DSN, and the secrets to look for.
        transport: where envelopes go instead of to the network.

    Returns:
        Whether reporting is on.
    """
    if settings.sentry_dsn is None:
        return False
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration

    scrubber = Scrubber(redactor_for(settings))
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        transport=transport,
        release=_release(),
        auto_enabling_integrations=False,
        # Check-ins are the session's, which knows periods, grace and what a run came to (worker.session.monitored).
        integrations=[CeleryIntegration(monitor_beat_tasks=False)],
        traces_sample_rate=settings.sentry_traces or None,
        before_send_transaction=scrubber.transaction,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=scrubber.event,
        before_breadcrumb=scrubber.breadcrumb,
    )
    return True


def reporting() -> ModuleType | None:
    """Sentry's library where this process reports to it, whoever started that; loading it takes some time."""
    library = sys.modules.get("sentry_sdk")
    return library if library is not None and library.get_client().is_active() else None
