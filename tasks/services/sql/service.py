"""How a table of a database is named in a table of `lockstep.toml`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.services.sql.set_up import SET_UP
from tasks.services.sql.table import Table
from tasks.sides import Service


class DeletedTable(BaseModel):
    """How a row is marked as deleted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="the column")
    value: str | bool | int | None = Field(None, description="what it shows of a deleted row")
    otherwise: str | bool | int | None = Field(None, description="what a row gets that is restored")


class NamedBy(BaseModel):
    """Where the name of a file is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="the column that has the names")


class SqlTable(BaseModel):
    """One table or view: `[sync.sql]`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True, protected_namespaces=()
    )

    table: str = Field(description="the table or view")
    url: SecretStr | None = Field(
        None,
        description="the database: sqlite:///path or postgresql://user@host/name; without one, the variable",
    )
    url_variable: str = Field("SQL_URL", description="the variable of .env that holds the database's address")
    password: SecretStr | None = Field(
        None, description="the user's password; without one, that of the address, else SQL_PASSWORD"
    )
    db_schema: str | None = Field(
        None, alias="schema", description="its schema, such as crm; by default the usual one"
    )
    key: list[str] = Field([], description="the columns that name a row, where there is no primary key")
    title: str | None = Field(
        None, description="the column that people call a row by; by default name, title, …"
    )
    changed: str | None = Field(
        None,
        description="a column that every write sets to the time, or to a number that grows over the whole table",
    )
    look_back: int = Field(
        600, ge=0, description="how far back changes are read again: seconds of a time, numbers of a number"
    )
    version: str | None = Field(None, description="a number that every write to a row raises by one")
    deleted: str | DeletedTable | None = Field(None, description="the column that marks a row as deleted")
    where: dict[str, str | bool | int | float] = Field(
        {}, description="only rows with these values, by column; new rows get them"
    )
    create_key: str | None = Field(
        None, description="a unique column of texts or UUIDs that keeps a create from being made twice"
    )
    references: list[str] = Field(
        [], description="columns that hold the key of another row, of this table or of another one"
    )
    files: dict[str, str | NamedBy] = Field(
        {}, description="columns of bytes that hold a file each, by their names: how the file is called"
    )
    max_file_mb: int = Field(
        100,
        ge=1,
        le=1000,
        description="megabytes of a file, at most, that is carried into a column or from there",
    )
    zone: str = Field("UTC", description="the zone of times that name none, such as Europe/Berlin")


def _make(table: SqlTable) -> Table:
    flag: Any = table.deleted
    return Table(
        table.table,
        url=table.url,
        url_variable=table.url_variable,
        password=table.password,
        schema=table.db_schema,
        key=table.key,
        title=table.title,
        changed=table.changed,
        look_back=table.look_back,
        version=table.version,
        deleted=flag.model_dump() if isinstance(flag, DeletedTable) else flag,
        where=table.where,
        create_key=table.create_key,
        references=table.references,
        files={
            name: said if isinstance(said, str) else said.model_dump() for name, said in table.files.items()
        },
        max_file_mb=table.max_file_mb,
        zone=table.zone,
    )


SERVICE = Service(name="sql", label="a table of a database", table=SqlTable, make=_make, set_up=SET_UP)
