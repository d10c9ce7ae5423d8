"""Tasks from the `[[sync]]` tables of `lockstep.toml`, without writing Python.

    [[sync]]
    name = "todos"
    every = "5m"              # s, m, h or d, as in "1h 30m"
    # in_total = 3            # end after three runs
    # once = true             # or run a single time
    conflict_mode = "newer"   # or "error", or the service whose value stays: "notion", "caldav"
    # edit_beats_delete = false # let a deletion on one side beat an edit on the other
    # delete_share = 0.5      # halt a run that would delete more than this share …
    # change_share = 0.5      # … or overwrite or blank an attribute on more than this share
    # delete, only_to, target_edits, only, window, leave, match, create, first_sync, settle: docs/policies.md

    [sync.notion]             # a table for each of the two services; `lockstep services` says what it may have
    data_source = "…"

    [sync.caldav]
    calendar = "…"

    [sync.map]                # may be left out where the attributes of both have usual meanings
    Name = "summary"
    Due = { to = "due", conflict_mode = "notion" }
    Status = { to = "status", values = { Waiting = "needs action" } }

    [sync.new.caldav]         # what new objects get besides
    categories = ["from Notion"]

The order of the two tables in the file says which side is left, so that its attributes stand left in the map; Notion is
left wherever it is one of them. Where both ends are of one service, its table is written twice, as `[[sync.notion]]`,
and the ends are called `first` and `second`.
"""

from tasks.tables.declare import declare

__all__ = ["declare"]
