"""How a task list is named in a table of `lockstep.toml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.services.google_tasks.attributes import ATTRIBUTES
from tasks.services.google_tasks.set_up import SET_UP
from tasks.services.google_tasks.side import Tasks
from tasks.sides import Service


class GoogleTasksTable(BaseModel):
    """One task list: `[sync.google_tasks]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    list: str | None = Field(
        None, description="title or id of the task list; by default the account's first one", min_length=1
    )
    token_file: Path | None = Field(
        None,
        description="the login that `python -m tasks.services.google_tasks` keeps; without one, "
        "GOOGLE_TASKS_TOKEN_FILE, or google-tasks.json in the state directory",
    )
    service_account: Path | None = Field(
        None,
        description="the key of a service account, instead of a token file; without one, GOOGLE_TASKS_SERVICE_ACCOUNT",
    )
    subject: str | None = Field(
        None, description="mail address of the user for whom the service account stands by delegation"
    )
    base_url: str | None = Field(
        None, description="where the API is, if it is not Google's; without one, GOOGLE_TASKS_BASE_URL"
    )

    @model_validator(mode="after")
    def _one_login(self) -> GoogleTasksTable:
        if self.token_file is not None and self.service_account is not None:
            raise ValueError("give one of token_file and service_account")
        return self


def _make(table: GoogleTasksTable) -> Tasks:
    return Tasks(
        table.list,
        token_file=table.token_file,
        service_account=table.service_account,
        subject=table.subject,
        base_url=table.base_url,
    )


SERVICE = Service(
    name="google_tasks",
    label="Google Tasks",
    table=GoogleTasksTable,
    make=_make,
    attributes=ATTRIBUTES,
    set_up=SET_UP,
)
