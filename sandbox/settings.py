"""Django settings of the sandbox: no database of Django's, no login, loopback only."""

import hashlib

from sandbox.options import BASE_DIR, options

_options = options()

DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
# Only page forms are protected with it; derived, so that open pages survive a restart.
SECRET_KEY = hashlib.sha256(f"sandbox:{_options.client_secret}:{_options.state}".encode()).hexdigest()
CSRF_COOKIE_NAME = "sandbox_csrftoken"

ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "sandbox"]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware", "sandbox.security.security_headers"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["sandbox.context.addresses", "django.template.context_processors.csrf"]
        },
    }
]
DATABASES: dict[str, dict[str, object]] = {}
STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 110 * 1024 * 1024  # FME's events host takes up to 100 MB a call

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "sandbox %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # A stand-in answers 4xx all day long, on purpose.
    "loggers": {"django.request": {"level": "ERROR"}, "django.security": {"level": "ERROR"}},
}
