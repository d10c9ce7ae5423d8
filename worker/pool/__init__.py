"""Where runs are made in a worker process: a thread pool with one event loop, its time limits, its end, its signs
of life, and who holds up the loop.
"""
