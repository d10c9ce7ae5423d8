"""One data source: which it is, its columns, the people of its workspace, and which rows a task is about."""
