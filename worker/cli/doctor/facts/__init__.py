"""What there is, read from Redis, the database, this machine and the services; nothing is judged here."""
