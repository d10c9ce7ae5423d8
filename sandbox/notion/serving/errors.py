"""What keeps a stand-in from being served."""

from __future__ import annotations


class SandboxError(Exception):
    """The port is taken, the file is no database of a workspace, or a name is none; the message says the mend."""
