"""What is due, and who sends it: beat's entries and its scheduler, which claims every run in Redis; what is
defined, what waits in the queue already, and what is due more often than it can be made.
"""
