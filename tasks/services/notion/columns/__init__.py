"""Types of columns, and the values of each between Notion's JSON and plain Python."""
