"""What one machine needs where nothing else is there: a Redis server, children that end with their parent, free
ports, and who uses the state directory.
"""
