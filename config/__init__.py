"""Settings, Celery's settings, logging, redaction of secrets, Sentry: what every process reads before anything else.
Nothing here knows of tasks or workers.
"""

from config.errors import SettingsError
from config.settings import Settings, get_settings, load_settings

__all__ = ["Settings", "SettingsError", "get_settings", "load_settings"]
