"""Django settings: one line per knob, each read from the environment or `.env` (see .env.example)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.brokers import transport_options
from config.databases import database
from config.environment import BASE_DIR, env, required
from config.logs import logging_config
from config.mail import mail

# --- the deployment -------------------------------------------------------------------------------
DEBUG = env.switch("DEBUG", default="off")
SANDBOX = env.switch("SANDBOX", default="off")
if SANDBOX and not DEBUG:
    raise ImproperlyConfigured("SANDBOX works only with DEBUG on.")
required(("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "ALLOWED_HOSTS"), debug=DEBUG)

SECRET_KEY = env.str("SECRET_KEY", default="for development only: not secret, never used with DEBUG off")
FIELD_ENCRYPTION_KEYS = env.keys(
    "FIELD_ENCRYPTION_KEYS", default=["bm90LXNlY3JldC1ub3Qtc2VjcmV0LW5vdC1zZWNyZXQ="] if DEBUG else []
)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
PORT = env.number("PORT", default=8000, least=1, most=65535)
PUBLIC_URL = env.address("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(mode=0o700, exist_ok=True)

# --- the two peers --------------------------------------------------------------------------------
SANDBOX_URL = f"http://127.0.0.1:{env.number('SANDBOX_PORT', default=8001, least=1, most=65535)}"
SENTRY_BASE_URL = env.address("SENTRY_BASE_URL", default=SANDBOX_URL if SANDBOX else "https://sentry.io")
SENTRY_CLIENT_ID = env.str("SENTRY_CLIENT_ID", default="")
SENTRY_CLIENT_SECRETS = env.words("SENTRY_CLIENT_SECRET")
SENTRY_APP_SLUG = env.str("SENTRY_APP_SLUG", default="split")
FME_API_URL = env.address(
    "FME_API_URL",
    default=f"{SANDBOX_URL}/internal/api/v2" if SANDBOX else "https://api.split.io/internal/api/v2",
)
FME_ADMIN_API_KEY = env.str("FME_ADMIN_API_KEY", default="").strip()  # files end with a newline
FME_AUTH = env.text(
    "FME_AUTH",
    default="bearer",
    like="bearer|x-api-key",
    meant="bearer (an Admin API key of FME) or x-api-key",
)
FME_EVENTS_URL = env.address(
    "FME_EVENTS_URL", default=f"{SANDBOX_URL}/api" if SANDBOX else "https://events.split.io/api"
)
ACCESS_CONTACT = env.str("ACCESS_CONTACT", default="support@split.io")
PEER_CONNECT_TIMEOUT_SECONDS = 3
PEER_READ_TIMEOUT_SECONDS = env.number(
    "PEER_READ_TIMEOUT_SECONDS", default=6, least=1
)  # both within LEASE_SECONDS / 3

# --- accepting, storing, delivering ---------------------------------------------------------------
WEBHOOK_MAX_BYTES = env.number("WEBHOOK_MAX_BYTES", default=10 * 1024 * 1024, least=1)
WEBHOOK_WRITER = env.text(
    "WEBHOOK_WRITER", default="thread", like="thread|inline", meant="thread or inline"
)  # "inline" in tests that hold a transaction
HOOK_DEADLINE_SECONDS = env.number("HOOK_DEADLINE_SECONDS", default=3.0, least=0.1)  # Sentry gives up after 5
APP_DEADLINE_SECONDS = env.number("APP_DEADLINE_SECONDS", default=0.7, least=0.1)  # Sentry gives up after 1
SPOOL_DIR = env.path("SPOOL_DIR", default=str(VAR_DIR / "spool"))
SPOOL_MAX_BYTES = env.number("SPOOL_MAX_BYTES", default=1024**3, least=0)
LEASE_SECONDS = env.number("LEASE_SECONDS", default=30, least=3, most=1800)
OUTBOX_BATCH_EVENTS = env.number("OUTBOX_BATCH_EVENTS", default=1000, least=1, most=1000)
OUTBOX_BATCH_BYTES = env.number("OUTBOX_BATCH_BYTES", default=1_000_000, least=1000, most=1_000_000)
OUTBOX_THREADS = env.number("OUTBOX_THREADS", default=8, least=1)  # environments delivered to side by side
RETENTION_DAYS = env.number("RETENTION_DAYS", default=30, least=0)
PAYLOAD_RETENTION_DAYS = env.number("PAYLOAD_RETENTION_DAYS", default=14, least=0)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- notices --------------------------------------------------------------------------------------
EMAIL_IS_SET = bool(env.str("EMAIL_URL", default=""))
globals().update(mail(env.str("EMAIL_URL", default="")))  # EMAIL_BACKEND, EMAIL_HOST and so on
EMAIL_TIMEOUT = LEASE_SECONDS / 3  # seconds, for each step of the conversation with the mail server
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL",
    default=f"FME Integrations <no-reply@{urlsplit(PUBLIC_URL).hostname}>",
    like=r"[^@\s]+@[^@\s]+|[^<>@]*<[^<>@\s]+@[^<>@\s]+>",
    meant="an e-mail address, such as FME <fme@example.com>",
)
NOTICES_ALLOW_PRIVATE = env.switch("NOTICES_ALLOW_PRIVATE", default="on" if SANDBOX else "off")
if NOTICES_ALLOW_PRIVATE and not DEBUG:
    raise ImproperlyConfigured("NOTICES_ALLOW_PRIVATE works only with DEBUG on.")

# --- Django ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "axes",
    "csp",
    "auditlog",
    "durable",
    "integrations",
    "webhooks",
]
MIDDLEWARE = [
    "config.middleware.WebhooksFirst",
    "config.middleware.ClientAddress",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.AuditLog",
    "axes.middleware.AxesMiddleware",
    "config.middleware.PageForForms",
    *(["config.middleware.OwnNotFound"] if DEBUG else []),
]
ROOT_URLCONF = "config.urls"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.ReportFilter"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "frontend_templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "integrations.context.page",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DATABASES = {"default": database(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.StaticFiles"
    },
}
WHITENOISE_USE_FINDERS = True  # what was not collected is served all the same
LOGGING = logging_config(env.text("LOG_FORMAT", default="text", like="text|json", meant="text or json"))

# --- people ---------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_CLIENT_IP_CALLABLE = "config.middleware.client_address"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# --- security follows the scheme of PUBLIC_URL ------------------------------------------------------
IS_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "integrations.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- REST API -------------------------------------------------------------------------------------
API_RATE = env.text(
    "API_RATE",
    default="1200/min",
    like=r"[1-9]\d*/(s|m|h|d)[a-z]*",
    meant="a number per s, min, h or d, such as 1200/min",
)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "integrations.authentication.ApiToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["integrations.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": API_RATE},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=env.number("API_TOKEN_DAYS", default=365, least=1)),
    "AUTH_HEADER_PREFIX": "Token",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sentry for Harness FME",
    "DESCRIPTION": "Configure the Sentry integration of Harness FME and see what came in and what went out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webhooks.api.openapi.add_errors",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RowState": "durable.models.State",
        "HookState": "integrations.serializers.HOOK_STATES",
    },
}

# --- Celery: a bell, never a store ------------------------------------------------------------------
CELERY_BROKER_URL = env.text(
    "CELERY_BROKER_URL",
    default="",
    like=r"((amqps?|pyamqp|rediss?)://.+)?",
    meant="an amqp:// or redis:// address",
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for ever
CELERY_BROKER_HEARTBEAT = 10  # seconds: a broker that says nothing is left and dialled again
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL)
CELERY_DB_REUSE_MAX = 10_000  # else Celery connects anew for each task, which takes longer than the task
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.number("WORKER_THREADS", default=4, least=1)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="drains")
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
SWEEP_SECONDS = env.number("SWEEP_SECONDS", default=10, least=1)
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "durable.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
}
