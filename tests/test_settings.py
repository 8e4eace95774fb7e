"""Every setting is documented, with its true default; what is missing is said in words."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import env
from config.mail import mail
from integrations.checks import check_lease, check_peers, check_public_url

ROOT = Path(__file__).parent.parent
READERS = [
    *sorted((ROOT / "config").glob("*.py")),
    ROOT / "gunicorn.conf.py",
    ROOT / "sandbox" / "options.py",
]
READER = re.compile(
    r"env\.(str|int|bool|path|text|number|switch|words|networks|address|keys)|os\.environ\.get|_needed"
)
DOCUMENTED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)
COMPOSED = re.compile(r"\$\{([A-Z_]+)")


def reads_of(file: Path) -> dict[str, object]:
    """Names that a module reads from the environment, with the default where it is a literal."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {
        name: default_of(call)
        for call in calls
        if READER.fullmatch(ast.unparse(call.func))
        for name in names(call)
    }


def names(call: ast.Call) -> list[str]:
    values = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return [value for value in values if isinstance(value, str) and value.isupper()]


def default_of(call: ast.Call) -> object:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    try:
        return eval(ast.unparse(given[0]), {"__builtins__": {}}) if given else None  # noqa: S307 - 10 * 1024
    except NameError:
        return None  # put together from other settings


def documented() -> dict[str, str]:
    """Names in .env.example, commented out or not, with what stands after them."""
    return dict(DOCUMENTED.findall((ROOT / ".env.example").read_text()))


def test_what_is_read_is_documented_and_nothing_else():
    read = {name for file in READERS for name in reads_of(file)}
    composed = set(COMPOSED.findall((ROOT / "compose.yaml").read_text()))

    assert set(documented()) == read | composed


@pytest.mark.parametrize("reader", READERS, ids=lambda file: file.name)
def test_the_documented_default_is_the_real_one(reader):
    shown = documented()
    for name, default in reads_of(reader).items():
        if shown[name] and isinstance(default, bool):
            assert (shown[name] == "on") is default, name
        elif shown[name] and default is not None and reader.name == "settings.py":
            assert shown[name] == str(default), name


def test_every_setting_of_the_example_has_a_sentence():
    blocks = (ROOT / ".env.example").read_text().split("\n\n")
    settings = [block for block in blocks if DOCUMENTED.search(block)]

    assert [block for block in settings if not re.match(r"# [A-Z][^=]+[.:]", block)] == []


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in a process that knows nothing but `environment`."""
    known = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=known | environment,
        capture_output=True,
        text=True,
    )


def test_production_names_all_that_it_refuses_to_start_without():
    outcome = start(SECRET_KEY="x")

    assert outcome.returncode != 0
    assert "FIELD_ENCRYPTION_KEYS, ALLOWED_HOSTS" in outcome.stderr
    assert "SECRET_KEY," not in outcome.stderr


def test_the_example_starts_once_the_three_are_filled_in(tmp_path):
    text = (ROOT / ".env.example").read_text()
    given = {
        "SECRET_KEY": "any text",
        "FIELD_ENCRYPTION_KEYS": "0" * 43 + "=",
        "ALLOWED_HOSTS": "fme.example.com",
    }
    for name, value in given.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    (tmp_path / "env").write_text(text)

    assert start(ENV_FILE=str(tmp_path / "env")).returncode == 0


def test_development_starts_with_no_environment_at_all():
    assert start(DEBUG="on").returncode == 0


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("LEASE_SECONDS", "x", "LEASE_SECONDS is 'x'; it has to be a whole number, 3 or more and at most 1,800."),
        ("LEASE_SECONDS", "0", "LEASE_SECONDS is '0'; it has to be a whole number, 3 or more and at most 1,800."),
        ("HOOK_DEADLINE_SECONDS", "nan", "HOOK_DEADLINE_SECONDS is 'nan'; it has to be a number, 0.1 or more."),
        ("OUTBOX_BATCH_EVENTS", "5000", "it has to be a whole number, 1 or more and at most 1,000."),
        ("DEBUG", "maybe", "DEBUG is 'maybe'; it has to be on or off."),
        ("FIELD_ENCRYPTION_KEYS", "abc", "FIELD_ENCRYPTION_KEYS has to be keys of 32 bytes"),
        ("FME_AUTH", "basic", "FME_AUTH is 'basic'; it has to be bearer"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'; it has to be text or json."),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "TRUSTED_PROXIES is 'proxy'; it has to be addresses or networks"),
        ("PUBLIC_URL", "fme.example.com", "PUBLIC_URL is 'fme.example.com'; it has to be an address"),
        ("SENTRY_BASE_URL", "sentry.io", "SENTRY_BASE_URL is 'sentry.io'; it has to be an address"),
        ("DATABASE_URL", "mysql://db/name", "DATABASE_URL has to be postgres://"),
        ("CELERY_BROKER_URL", "tcp://broker", "it has to be an amqp:// or redis:// address."),
        ("EMAIL_URL", "mail.example.com", "EMAIL_URL has to be smtp+tls://USER:PASSWORD@HOST:587"),
        ("EMAIL_URL", "smtp://", "EMAIL_URL has to be smtp+tls://USER:PASSWORD@HOST:587"),
        ("EMAIL_URL", "smtp://host:port", "EMAIL_URL has to be smtp+tls://USER:PASSWORD@HOST:587"),
        ("DEFAULT_FROM_EMAIL", "nobody", "DEFAULT_FROM_EMAIL is 'nobody'; it has to be an e-mail address"),
        ("API_RATE", "many", "API_RATE is 'many'; it has to be a number per s, min, h or d"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused_by_name(setting, value, words):
    outcome = start(**{"DEBUG": "on", setting: value})

    assert outcome.returncode != 0
    assert words in outcome.stderr.splitlines()[-1]


def test_lists_may_have_blanks_and_a_comma_too_many(monkeypatch):
    monkeypatch.setitem(env.ENVIRON, "SENTRY_CLIENT_SECRET", "new, old,")

    assert env.words("SENTRY_CLIENT_SECRET") == ["new", "old"]


def test_the_sandbox_cannot_be_turned_on_in_production():
    outcome = start(SECRET_KEY="x", FIELD_ENCRYPTION_KEYS="0" * 43 + "=", ALLOWED_HOSTS="x", SANDBOX="on")

    assert "SANDBOX works only with DEBUG on." in outcome.stderr


def test_notices_to_private_addresses_cannot_be_allowed_in_production():
    needed = {"SECRET_KEY": "x", "FIELD_ENCRYPTION_KEYS": "0" * 43 + "=", "ALLOWED_HOSTS": "x"}

    assert (
        "NOTICES_ALLOW_PRIVATE works only with DEBUG on."
        in start(**needed, NOTICES_ALLOW_PRIVATE="on").stderr
    )


def test_an_address_of_a_mail_server_becomes_django_s_settings():
    assert mail("smtp+tls://fme:p%2Fw@mail.example.com:587") == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "fme",
        "EMAIL_HOST_PASSWORD": "p/w",
        "EMAIL_USE_TLS": True,
    }
    assert mail("smtp://mail.example.com")["EMAIL_PORT"] == 25
    assert mail("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")


@pytest.mark.parametrize("setting", ["SENTRY_CLIENT_ID", "SENTRY_CLIENT_SECRETS", "FME_ADMIN_API_KEY"])
def test_what_the_peers_need_is_asked_for(settings, setting):
    assert check_peers(None) == []

    setattr(settings, setting, "")

    assert [warning.id for warning in check_peers(None)] == ["integrations.W001"]


def test_credentials_that_fme_does_not_take_are_an_error(settings):
    settings.FME_AUTH = "basic"

    assert [error.id for error in check_peers(None)] == ["integrations.E001"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://fme.example.com", []),
        ("http://fme.example.com", ["integrations.W002"]),
        ("https://localhost:8000", ["integrations.W002"]),
        ("fme.example.com", ["integrations.E002"]),
        ("", ["integrations.E002"]),
    ],
)
def test_in_production_sentry_must_reach_the_public_address(settings, url, found):
    settings.DEBUG, settings.PUBLIC_URL = False, url

    assert [message.id for message in check_public_url(None)] == found


def test_in_development_an_address_of_this_machine_will_do(settings):
    settings.DEBUG, settings.PUBLIC_URL = True, "http://127.0.0.1:8000"

    assert check_public_url(None) == []


def test_a_lease_too_short_for_its_calls_is_pointed_out(settings):
    assert check_lease(None) == []

    settings.LEASE_SECONDS = 26

    assert [warning.hint for warning in check_lease(None)] == [
        "Set LEASE_SECONDS to 27 or more, or lower PEER_READ_TIMEOUT_SECONDS."
    ]


def test_probes_are_answered_under_any_host_name(client, settings):
    settings.ALLOWED_HOSTS = ["fme.example.com"]

    answer = client.get("/healthz", headers={"host": "10.1.2.3:8000"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
