"""What a task says besides its mapping: what a deletion does, where it writes, which objects it takes.

A person's words, in `lockstep.toml` or in Python, are read here (*said*), held against what both sides have
(*bound*), and become part of the policy by which the merge plans. Everything that does not fit is refused at start.
"""

from tasks.policies.columns import StatusColumns
from tasks.policies.rules import NO_RULES, Bound, Rules, Said, read_rules

__all__ = ["NO_RULES", "Bound", "Rules", "Said", "StatusColumns", "read_rules"]
