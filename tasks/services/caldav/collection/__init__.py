"""One calendar on a server: found, read, and written, with what proves that it is as it was."""
