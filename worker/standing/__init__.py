"""How everything stands: who is there to run what is scheduled, how each task goes, and what is not as it should be.

What is known is gathered from the database and from Redis (`survey`), and judged by pure functions (`judgement`). The
command line, the web pages and the alarms say the same because they all ask here.
"""

from __future__ import annotations

from worker.standing.judgement import Next, Standing, State, Trouble, state_of, worst
from worker.standing.status import InRedis, Status, TaskRow
from worker.standing.survey import survey

__all__ = [
    "InRedis",
    "Next",
    "Standing",
    "State",
    "Status",
    "TaskRow",
    "Trouble",
    "state_of",
    "survey",
    "worst",
]
