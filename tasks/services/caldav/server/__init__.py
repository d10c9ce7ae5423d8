"""Requests to a CalDAV server: logins, answers, and what each kind of answer means."""
