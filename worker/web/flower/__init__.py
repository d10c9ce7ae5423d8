"""Flower as Lockstep starts it: guarded against strangers, and with the schedule's figures among its metrics."""
