"""A folder of Markdown files, such as a vault of Obsidian, is a side, `Folder`: each file is a note.

side -> writing -> vault -> identities       which file is which note, from look to look
                     └─> files                the disk
          └──────────┴─> note -> document -> front_matter     the text and its parts, pure
                           └───> fields, links, names         what values and names mean, pure
"""

from tasks.services.markdown.note import Note
from tasks.services.markdown.service import SERVICE
from tasks.services.markdown.side import Folder

__all__ = ["SERVICE", "Folder", "Note"]
