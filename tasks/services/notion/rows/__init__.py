"""The rows of a data source: listed, read and written, with their files and those in the trash."""
