"""System checks: what the integration itself still lacks, in words, with what to do about it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from integrations.peers import LEASE_SHARE
from integrations.states import missing_settings

LOOPBACK = ("127.0.0.1", "localhost", "::1", "")
AUTH_SCHEMES = ("bearer", "x-api-key")


def check_peers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """What Sentry and FME need to know us by; the Integrations page shows the same sentences."""
    found: list[CheckMessage] = [
        Warning(sentence, hint="See .env.example.", id="integrations.W001") for sentence in missing_settings()
    ]
    if settings.FME_AUTH not in AUTH_SCHEMES:
        found.append(
            Error(
                f"FME_AUTH is {settings.FME_AUTH!r}: Harness FME takes no such credentials.",
                hint="Use bearer for an Admin API key of FME, x-api-key for a Harness token.",
                id="integrations.E001",
            )
        )
    return found


def check_public_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whether Sentry can reach us at the address it is told; in development it need not."""
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme not in ("http", "https") or not url.netloc:
        return [
            Error(
                f"PUBLIC_URL is {settings.PUBLIC_URL!r}, which is no address.",
                hint="Write it as https://fme.example.com, without a path.",
                id="integrations.E002",
            )
        ]
    if settings.DEBUG:
        return []
    if url.hostname in LOOPBACK:
        words = f"PUBLIC_URL is {settings.PUBLIC_URL}: Sentry cannot reach an address of this machine."
    elif url.scheme != "https":
        words = f"PUBLIC_URL is {settings.PUBLIC_URL}: exceptions and logins would travel unencrypted."
    else:
        return []
    hint = "Set it to the https address under which Sentry reaches this app."
    return [Warning(words, hint=hint, id="integrations.W002")]


def check_lease(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whether a call to a peer fits into a third of a claim, as the deliveries need it."""
    wished = settings.PEER_CONNECT_TIMEOUT_SECONDS + settings.PEER_READ_TIMEOUT_SECONDS
    if LEASE_SHARE * wished <= settings.LEASE_SECONDS:
        return []
    return [
        Warning(
            f"LEASE_SECONDS is {settings.LEASE_SECONDS}: calls to Sentry and Harness FME are cut off after "
            f"{settings.LEASE_SECONDS / LEASE_SHARE:g} seconds instead of {wished:g}.",
            hint=f"Set LEASE_SECONDS to {LEASE_SHARE * wished:g} or more, or lower PEER_READ_TIMEOUT_SECONDS.",
            id="integrations.W003",
        )
    ]


def register_checks() -> None:
    """Make the checks known to Django: `manage.py check`, and every start of a command."""
    for check in (check_peers, check_public_url, check_lease):
        register(check)
