"""Whether two databases hold the same, and how what differs is put into order."""
