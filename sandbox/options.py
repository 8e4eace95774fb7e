"""What the sandbox reads from the environment (or `.env`), once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Options:
    """Addresses and credentials shared with the product; only the first of several client secrets counts.

    `announces`: tell the product of the installation that exists from the start.
    """

    public_url: str
    port: int
    state: Path
    client_id: str
    client_secret: str
    app_slug: str
    admin_api_key: str
    announces: bool

    @property
    def own_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@cache
def options() -> Options:
    """Options of this process. Raises ImproperlyConfigured, in words, when the sandbox must not run."""
    env = environ.Env()
    env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
    if not env.bool("SANDBOX", default=False):
        raise ImproperlyConfigured("The sandbox is switched off. Set SANDBOX=on to run it.")
    if not env.bool("DEBUG", default=False):
        raise ImproperlyConfigured(
            "The sandbox runs only with DEBUG=on: it is no part of a production set-up."
        )
    return Options(
        public_url=env.str("PUBLIC_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}").rstrip(
            "/"
        ),
        port=env.int("SANDBOX_PORT", default=8001),
        state=Path(env.str("SANDBOX_STATE", default=str(BASE_DIR / "var" / "sandbox.sqlite3"))),
        client_id=_needed(env, "SENTRY_CLIENT_ID"),
        client_secret=_needed(env, "SENTRY_CLIENT_SECRET").split(",")[0].strip(),
        app_slug=env.str("SENTRY_APP_SLUG", default="harness-fme") or "harness-fme",
        admin_api_key=_needed(env, "FME_ADMIN_API_KEY"),
        announces=env.bool("SANDBOX_ANNOUNCE", default=True),
    )


def _needed(env: environ.Env, name: str) -> str:
    value = str(env.str(name, default=""))
    if not value:
        raise ImproperlyConfigured(
            f"{name} is missing: the sandbox and the product have to know the same one."
        )
    return value
