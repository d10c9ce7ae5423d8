"""How the issues of a repository are named in a table of `lockstep.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.services.github.issue import ISSUE
from tasks.services.github.marks import DELETED_LABEL
from tasks.services.github.set_up import SET_UP
from tasks.services.github.side import Issues
from tasks.sides import Service


class GitHubTable(BaseModel):
    """The issues of a repository: `[sync.github]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    repository: str = Field(description="owner/name, or the link of its page", min_length=1)
    token: SecretStr | None = Field(
        None, description="who asks; without one and without an app, GITHUB_TOKEN or GH_TOKEN"
    )
    url: str | None = Field(
        None, description="the API's address where it is not github.com's: https://github.example.org/api/v3"
    )
    app: str | None = Field(None, description="client id of a GitHub App that asks instead of a token")
    private_key: Path | None = Field(None, description="the file with the app's private key")
    installation: int | None = Field(
        None, description="id of the app's installation; without one, that at the repository"
    )
    delete: Literal["close", "delete"] = Field(
        "close",
        description="what becomes of an issue whose counterpart was deleted; only administrators may delete one",
    )
    deleted_label: str = Field(
        DELETED_LABEL, description="the label of an issue that was closed in the place of a deletion"
    )
    closed: Literal["synced", "gone"] = Field(
        "synced", description="whether closed issues are synced, or as good as deleted"
    )
    assignees: Literal["names", "people"] = Field(
        "names", description="whether those who are assigned are synced as names or as people"
    )


def _make(table: GitHubTable) -> Issues:
    return Issues(**{name: getattr(table, name) for name in GitHubTable.model_fields})


SERVICE = Service(
    name="github", label="GitHub", table=GitHubTable, make=_make, attributes=ISSUE, set_up=SET_UP
)
