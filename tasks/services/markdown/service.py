"""How a folder of Markdown files is named in a table of `lockstep.toml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks.services.markdown.set_up import SET_UP
from tasks.services.markdown.side import ID_KEY, TITLE_KEY, Folder
from tasks.sides import Service


class FolderTable(BaseModel):
    """One folder: `[sync.markdown]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    folder: Path = Field(description="the folder, such as ~/Notes")
    fields_: dict[str, str] = Field(
        default_factory=dict,
        alias="fields",
        description='keys of the front matter and their kinds, such as due = "date"; others are guessed',
    )
    pattern: str = Field(
        "*.md", description="which files are notes: of names, or with a slash of paths", min_length=1
    )
    subfolders: bool = Field(True, description="whether files in folders within are notes too", strict=True)
    new_in: str = Field("", description="the folder of new notes, relative to the folder")
    trash: str = Field(".trash", description="where deleted notes go; empty: they are deleted for good")
    id_key: str = Field(
        ID_KEY, description="the key of a note's id in its front matter; empty: none is written"
    )
    title_key: str = Field(
        TITLE_KEY, description="the key of a title that cannot be a file's name; empty: it is not taken"
    )
    attachments: str = Field(
        "attachments", description="the folder of files that come with values, relative to the folder"
    )
    zone: str = Field("UTC", description="the zone of moments that name none, such as Europe/Berlin")


def _make(table: FolderTable) -> Folder:
    return Folder(
        table.folder,
        fields=table.fields_,
        pattern=table.pattern,
        subfolders=table.subfolders,
        new_in=table.new_in,
        trash=table.trash,
        id_key=table.id_key,
        title_key=table.title_key,
        zone=table.zone,
        attachments=table.attachments,
    )


SERVICE = Service(name="markdown", label="Markdown files", table=FolderTable, make=_make, set_up=SET_UP)
