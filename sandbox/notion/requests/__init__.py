"""What every request meets before it is answered: who asks, limits, counters, refusals."""
