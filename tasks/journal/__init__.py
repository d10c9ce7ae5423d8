"""What outlives a run: links with their bases, begun writes, lost values, and how far each side was read.

`contract` says what a journal can do; `file` and `state_journal` are its plain forms, kept in files and in the
`State` of a task that runs by itself. The form in SQL is `worker.store`.
"""
