"""Logging: one line per thing that happened, as text for people or as JSON for machines; grants never in either."""

import json
import logging
import re
from typing import Any

GRANT = re.compile(r"(\bcode=)[^&\s\"']+")
PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class ScrubGrants(logging.Filter):
    """Blank the one-use grant `code` that Sentry puts into the address of its redirect."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "code=" in message:
            record.msg, record.args = GRANT.sub(r"\1…", message), None
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the `extra` fields of the call stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in PLAIN},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def logging_config(style: str) -> dict[str, Any]:
    """The LOGGING setting for `style` "text" or "json"."""
    formatter = (
        {"()": "config.logs.JsonFormatter"}
        if style == "json"
        else {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"grants": {"()": "config.logs.ScrubGrants"}},
        "formatters": {"line": formatter},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["grants"]}
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {"django.request": {"level": "ERROR"}, "axes": {"level": "WARNING"}},
    }
