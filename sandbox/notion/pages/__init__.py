"""Pages, as properties, as Markdown, with comments."""
