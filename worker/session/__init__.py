"""One locked run of a node, and what belongs to it: its Celery task, its body by the kind of task, its progress,
and how a run finds out that its task was renamed, kept in files before, or restored from an older copy.
"""
