"""The workspace as an HTTP server, with a back door and a page for people."""
