"""Recorded traffic of the Notion API, replayed against the sandbox."""
