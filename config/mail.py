"""The mail server that notices go out through, read from one address; without one there is no e-mail."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

MEANT = (
    "EMAIL_URL has to be smtp+tls://USER:PASSWORD@HOST:587, smtp+ssl://USER:PASSWORD@HOST:465, smtp://HOST:25, "
    "filemail:///a/folder or consolemail://."
)


def mail(url: str) -> dict[str, Any]:
    """Django's EMAIL_ settings for `url`; raises ImproperlyConfigured for one that names no mail server."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        config = dict(environ.Env.email_url_config(url))
    except (ImproperlyConfigured, ValueError):  # not repeated in words: it holds a password
        raise ImproperlyConfigured(MEANT) from None
    if config["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not config["EMAIL_HOST"]:
        raise ImproperlyConfigured(MEANT)
    given = {name: value for name, value in config.items() if name.startswith("EMAIL_") and value}
    return {"EMAIL_PORT": 25} | given
