"""One run of two sides: read, plan, guard, apply, remember. It knows no service, no queue and no database.

*sync*      what the engine is told of a task: its sides, its mapping, its rules.
*running*   a sync whose sides are open, described and bound to each other.
*adapter*   a side as the merge speaks to it: by the merge's names, with values in common form.
*view*      what a side showed in this run: a snapshot, and its objects.
*order*     what else than an ordinary run is asked for: a dry run, an undo, a halted plan let through.
*outcome*   what came of each action; the *report* is what the run tells of it.
"""
