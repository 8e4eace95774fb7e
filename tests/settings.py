"""Settings of a test run: nothing from the developer's `.env`, everything else as in the product."""

import os

os.environ.setdefault("ENV_FILE", os.devnull)
os.environ.update(
    DEBUG="1",
    SANDBOX="",
    SECRET_KEY="only for tests",
    FIELD_ENCRYPTION_KEYS="dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    SENTRY_CLIENT_ID="c1" * 32,
    SENTRY_CLIENT_SECRET="test-secret",
    FME_ADMIN_API_KEY="admin-key-for-tests",
    CELERY_BROKER_URL="",
)

from config.settings import *  # noqa: F403 - Django's way to derive settings
from config.settings import DATABASES, VAR_DIR

# A file, not memory: threads and the live server open connections of their own.
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / f"test-{os.getpid()}.sqlite3"}
WEBHOOK_WRITER = "inline"
OUTBOX_THREADS = 1  # a test's transaction is seen by its own thread only
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # pages find their files without collectstatic
