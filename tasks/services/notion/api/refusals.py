"""What people are told of a request to Notion that is not sent again: what is the matter, and how to mend it. Pure."""

from __future__ import annotations

from tasks.errors import OutcomeUnknownError, SideError, TaskError
from tasks.services.notion.api.answers import Effect, Failure, ForbiddenError, Limit, RefusedError, Trouble

#: Where the token stands by default.
TOKEN_NAME = "NOTION_TOKEN"  # noqa: S105 - it is a name
#: What an integration must be allowed to do.
_CAPABILITIES = {Effect.READ: "read", Effect.SET: "update", Effect.CREATE: "insert"}


def overrun(failure: Failure) -> str:
    """Whose limit is reached, or that Notion has too much to do."""
    if failure.trouble is Trouble.OVERLOADED or failure.limit is Limit.UNKNOWN:
        return f"Notion is overrun ({failure.status})"
    return f"Notion's limit {failure.limit.value} is reached ({failure.status})"


def _token_mend(failure: Failure) -> str:
    """What became of a token, as far as Notion says, and what to do."""
    said = failure.reason.casefold()
    known = [word for word in ("expired", "revoked") if word in said]
    what = f"It is {known[0]}" if known else "It is expired, revoked, replaced by a newer one or not whole"
    return f"{what}: take the present one, or a new one, from the integration's page in Notion's settings"


def given_up(
    failure: Failure, effect: Effect, subject: str, base_url: str, token_name: str = TOKEN_NAME
) -> TaskError:
    """What to return where a request is not sent again."""
    match failure.trouble:
        case Trouble.UNSENT:
            return SideError(
                f"Notion cannot be reached at {base_url} ({failure.reason}): "
                "check the network and NOTION_BASE_URL"
            )
        case Trouble.UNAUTHORISED:
            return SideError(
                f"Notion refuses the token: check {token_name} ({failure.reason}). {_token_mend(failure)}"
            )
        case Trouble.FORBIDDEN:
            return ForbiddenError(
                f"{subject}: Notion does not let this integration do that ({failure.reason}): give it the "
                f"capability to {_CAPABILITIES[effect]} content, in Notion's settings under Connections, and "
                "the page or database with the right to do so"
            )
        case Trouble.SHUT_OUT:
            return SideError(
                f"Notion has shut this integration out of its API ({failure.reason}): waiting does not help, "
                "ask Notion's support"
            )
        case Trouble.FULL:
            return RefusedError(
                f"the workspace is out of blocks, so that nothing new can be made in it ({failure.reason}): "
                "upgrade its plan, for a Free one with several members holds 1,000 blocks, deleted ones "
                "included; changes and deletions go on",
                status=failure.status,
                code=failure.code,
                subject=subject,
            )
        case Trouble.FOREIGN:
            return SideError(
                f"{base_url} answers, but not as Notion does ({failure.reason}): check NOTION_BASE_URL"
            )
        case Trouble.REFUSED:
            return RefusedError(failure.reason, status=failure.status, code=failure.code, subject=subject)
        case Trouble.CONFLICT if effect is not Effect.READ:
            reason = f"not saved, however often it was sent: {failure.reason}"
            return RefusedError(reason, status=failure.status, code=failure.code, subject=subject)
        case _ if effect is Effect.READ:
            return SideError(
                f"{subject}: Notion at {base_url} does not answer ({failure.reason}); "
                "the next run tries again"
            )
        case _:
            return OutcomeUnknownError(
                f"{subject}: Notion did not confirm the write ({failure.reason}); it may have been applied"
            )
