"""SQL: the rows of one table or view, in SQLite or PostgreSQL, are a side, `Table`; its attributes are the columns.

| column | kind |
|---|---|
| text, and every type that no other line has | text, as the database writes it |
| whole number; decimals without places | whole number |
| decimals, doubles | number |
| boolean | yes/no |
| date | date |
| time stamp, with or without a zone | moment |
| enumeration | choice |
| list of texts or of an enumeration | choices |
| bytes | opaque; a file, where `files` says so |
"""

from tasks.services.sql.service import SERVICE, SqlTable
from tasks.services.sql.table import Table

__all__ = ["SERVICE", "SqlTable", "Table"]
