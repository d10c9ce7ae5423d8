"""The tasks of a todo.txt file, kept in step with Notion, a calendar or whatever else Lockstep has a service for."""

from lockstep_todotxt.service import SERVICE
from lockstep_todotxt.side import ATTRIBUTES, TodoTxt

__all__ = ["ATTRIBUTES", "SERVICE", "TodoTxt"]
