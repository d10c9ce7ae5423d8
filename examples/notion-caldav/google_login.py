"""Allow Lockstep your Google calendars: `python google_login.py client_secret.json` writes google-calendar.json."""

import sys
from pathlib import Path

from google_auth_oauthlib.flow import InstalledAppFlow

SCOPE = "https://www.googleapis.com/auth/calendar"

flow = InstalledAppFlow.from_client_secrets_file(sys.argv[1], [SCOPE])
login = flow.run_local_server(port=0, prompt="consent")
kept = Path("google-calendar.json")
kept.touch(0o600)
kept.write_text(login.to_json(), encoding="utf-8")
print(f"Logged in: {kept}")
