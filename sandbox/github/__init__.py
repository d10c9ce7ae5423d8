"""A local GitHub: the part of its REST API that a sync of issues needs, kept in memory, for tests and demos.

People work by the methods of a `Repository`; what goes wrong is put into `faults`, and `clock` can be set forward.
The shapes of all answers are held against the API's published description.
"""

from sandbox.github.clock import Clock
from sandbox.github.errors import ApiError
from sandbox.github.faults import Fault, Faults
from sandbox.github.repository import Repository
from sandbox.github.server import GitHub

__all__ = ["ApiError", "Clock", "Fault", "Faults", "GitHub", "Repository"]
