"""What is kept, one module a table or two that belong together: each reads and writes its own rows."""
