"""The workspace as a whole: its start, its routes, what people do in it, and faults on demand."""
