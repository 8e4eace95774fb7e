"""PURE: Sentry's two webhook bodies, from the outside (whose, which event) to the exception inside."""

from integrations.payloads.envelopes import (
    AppEnvelope,
    ErrorOrigin,
    Installation,
    PayloadUnreadable,
    Source,
    guess_source,
    read_app_envelope,
    read_event_id,
)
from integrations.payloads.parsing import parse
from integrations.payloads.sentry_exception import Found, SentryException

__all__ = [
    "AppEnvelope",
    "ErrorOrigin",
    "Found",
    "Installation",
    "PayloadUnreadable",
    "SentryException",
    "Source",
    "guess_source",
    "parse",
    "read_app_envelope",
    "read_event_id",
]
