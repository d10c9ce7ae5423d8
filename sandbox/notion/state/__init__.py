"""What a workspace keeps: objects in SQLite, their ids, the time, and an index that lags."""
