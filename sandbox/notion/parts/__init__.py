"""What several kinds of objects are made of: people, texts, dates, files, places."""
