"""Requests to Notion: how fast, what each kind of answer means, and whom Notion's own messages concern."""
