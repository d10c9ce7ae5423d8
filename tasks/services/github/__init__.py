"""GitHub: the issues of one repository are a side, `Issues`. What changed is asked under the condition that anything
did; closed is not deleted, unless a label says so; every write looks at the issue first.
"""

from tasks.services.github.client import Client
from tasks.services.github.issue import ISSUE, Issue
from tasks.services.github.pace import Pace
from tasks.services.github.service import SERVICE
from tasks.services.github.side import Issues

__all__ = ["ISSUE", "SERVICE", "Client", "Issue", "Issues", "Pace"]
