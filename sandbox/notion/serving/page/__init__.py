"""The page at `/`, where a person looks at the workspace and edits it by hand."""

from sandbox.notion.serving.page.serving import page_routes

__all__ = ["page_routes"]
