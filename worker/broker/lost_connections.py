"""What Celery reports of foreseeable things, in one line instead of a traceback: of a lost connection or an error
reply, and of a run that was given up at its time limit. And how a run ended, in words instead of its record.
"""

from __future__ import annotations

import logging

import amqp
import redis
from celery.exceptions import TimeLimitExceeded
from kombu.exceptions import OperationalError

#: The libraries that talk to the broker, and meet its outages in many places.
LIBRARIES = ("amqp", "celery", "kombu")

#: What a broker that is away looks like.
LOST = (redis.RedisError, amqp.AMQPError, OperationalError, ConnectionError, TimeoutError)
#: Who tells that a task has succeeded, with all that it gave.
TRACER = "celery.app.trace"
#: What follows for each message from an outage, which the worker itself tells once. A message that could not be
#: acknowledged comes again and is not run again.
FOLLOWS = ("Couldn't ack ", "Couldn't reject ")


def shorten(record: logging.LogRecord) -> bool:
    """Take the traceback off a library's record of a lost connection; a filter that drops what only follows from one.

    An outage is foreseeable and mends itself: where in a library it was met tells a reader nothing. Nor does the
    place where the time of a run is measured.
    """
    error = record.exc_info[1] if record.exc_info else None
    error = getattr(error, "exc", error)  # billiard puts some into an envelope
    if record.name.partition(".")[0] in LIBRARIES and isinstance(error, (*LOST, TimeLimitExceeded)):
        message = record.getMessage()
        if message.startswith(FOLLOWS) and not logging.getLogger().isEnabledFor(logging.DEBUG):
            return False
        record.msg = message if str(error) in message else f"{message}: {error}"
        record.args, record.exc_info, record.exc_text = (), None, None
        if isinstance(error, LOST) and record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def without_result(record: logging.LogRecord) -> bool:
    """Take what a run gave out of Celery's line about its success: the run's own line has it, in a sentence.

    What was skipped gives a sentence, which stays.
    """
    told = record.args
    if record.name == TRACER and isinstance(told, dict) and str(told.get("return_value")).startswith("{"):
        record.msg = "Task %(name)s[%(id)s] succeeded in %(runtime)ss"
        record.args = {key: value for key, value in told.items() if key != "return_value"}
        record.data = record.args
    return True
