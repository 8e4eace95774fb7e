"""The container files, held to the settings and commands: no engine is needed to see that they fit."""

import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

from config.databases import database
from webhooks.writer import PROBE_SECONDS

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
APP = ("migrate", "web", "worker", "beat")
DOCUMENTED = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def instructions(kind: str) -> list[str]:
    """What follows each `kind` in the Dockerfile, in order."""
    return [line.split(maxsplit=1)[1] for line in DOCKERFILE.splitlines() if line.startswith(f"{kind} ")]


def final_stage() -> str:
    return DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def is_copied(path: str) -> bool:
    """Whether .dockerignore lets a file of the checkout into the image: the last rule that fits decides."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().split() if not line.startswith("#")]
    taken = True
    for rule in rules:
        pattern = rule.lstrip("!")
        if fnmatch(path, pattern) or path.startswith(f"{pattern}/") or fnmatch(path, f"*/{pattern}"):
            taken = rule.startswith("!")
    return taken


def test_both_stages_start_from_one_image_named_plainly():
    first, second = instructions("FROM")

    assert first == f"{second} AS build"
    assert re.fullmatch(r"python:3\.1[123]-slim", second)


def test_every_package_is_taken_by_its_hash_and_none_is_compiled():
    install = next(line for line in instructions("RUN") if "pip install" in line)

    assert {"--require-hashes", "--only-binary"} <= set(install.split())
    assert not re.search(r"apt-get|gcc|build-essential|pip install", final_stage())


def test_static_files_are_collected_with_what_the_build_sets():
    line = next(line for line in instructions("RUN") if "collectstatic" in line)
    words = shlex.split(line)
    values = dict(word.split("=", 1) for word in words if "=" in word)

    command = [sys.executable, *words[len(values) + 1 :], "--dry-run"]
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **values}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


def test_the_process_is_not_root():
    *_, user = instructions("USER")

    assert user == "app"
    assert final_stage().index("USER app") < final_stage().index("collectstatic")


@pytest.mark.parametrize("name", [".env", ".git", "var", "sandbox", "tests", ".venv", "docs"])
def test_secrets_and_tools_stay_out_of_the_image(name):
    assert not is_copied(name)


@pytest.mark.parametrize(
    "name", ["config", "durable", "frontend_templates", "integrations", "static", "webhooks"]
)
def test_what_runs_is_in_the_image(name):
    assert (ROOT / name).is_dir()
    assert is_copied(f"{name}/__init__.py")


@pytest.mark.parametrize("name", ["manage.py", "gunicorn.conf.py", "requirements/run.txt"])
def test_files_that_are_named_exist_and_are_copied(name):
    assert (ROOT / name).is_file()
    assert is_copied(name)


def test_the_health_check_asks_an_address_that_needs_no_database(client):
    (check,) = re.findall(r"HEALTHCHECK .*", DOCKERFILE)
    (address,) = re.findall(r"'(/[a-z]+)'", check)

    assert resolve(address).func.__name__ == "healthz"
    assert client.get(address).status_code == 200  # without the database, which this test may not reach


def test_the_web_command_listens_where_the_health_check_and_the_proxy_look():
    (command,) = instructions("CMD")
    words = yaml.safe_load(command)

    assert words[:4] == ["granian", "--interface", "wsgi", "config.wsgi:application"]
    assert words[words.index("--host") + 1] == "0.0.0.0"  # noqa: S104 - inside the container
    port = words[words.index("--port") + 1]
    assert f"'127.0.0.1', {port}" in DOCKERFILE
    assert COMPOSE["services"]["web"]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("service", APP)
def test_each_command_of_compose_exists(service):
    words = COMPOSE["services"][service].get("command", ["granian"])

    if words[:2] == ["python", "manage.py"]:
        assert words[2] in get_commands()
    else:
        assert (ROOT / ".venv" / "bin" / words[0]).exists()


def test_worker_and_beat_are_started_as_the_readme_says():
    readme = (ROOT / "README.md").read_text()

    for service in ("worker", "beat"):
        assert shlex.join(COMPOSE["services"][service]["command"][:4]) in readme


@pytest.mark.parametrize("service", APP)
def test_compose_sets_only_documented_settings_and_takes_the_rest_from_the_file(service):
    settings = COMPOSE["services"][service]

    assert set(settings["environment"]) <= DOCUMENTED
    assert settings["env_file"] == ".env"
    assert (settings["environment"]["DEBUG"], settings["environment"]["SANDBOX"]) == ("off", "off")


def test_compose_names_a_database_and_a_broker_that_it_runs():
    environment = COMPOSE["services"]["web"]["environment"]
    url = environment["DATABASE_URL"].replace("${POSTGRES_PASSWORD:?set it in .env}", "secret")
    served, entry = COMPOSE["services"]["database"]["environment"], database(url)

    assert (entry["HOST"], entry["PASSWORD"]) == ("database", "secret")
    assert (entry["NAME"], entry["USER"]) == (served["POSTGRES_DB"], served["POSTGRES_USER"])
    assert "@broker:5672//" in environment["CELERY_BROKER_URL"]


def test_passwords_must_be_set_and_are_written_nowhere():
    text = (ROOT / "compose.yaml").read_text()

    assert set(re.findall(r"\$\{(\w+PASSWORD)[^}]*\}", text)) == {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}
    assert not re.search(r"\$\{\w+PASSWORD(:-|\})", text)


def test_database_and_spool_outlive_their_containers():
    services = COMPOSE["services"]
    mounted = {
        name: service["volumes"][0].split(":") for name, service in services.items() if "volumes" in service
    }

    assert {volume for volume, _ in mounted.values()} == set(COMPOSE["volumes"])
    assert services["web"]["environment"]["SPOOL_DIR"].startswith(mounted["web"][1])
    assert mounted["web"][1] in final_stage()


def test_nothing_starts_before_the_database_is_migrated():
    services = COMPOSE["services"]

    assert services["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_a_stop_leaves_time_to_finish_what_is_in_hand(settings):
    grace = int(COMPOSE["services"]["worker"]["stop_grace_period"].rstrip("s"))
    web = int(COMPOSE["services"]["web"]["stop_grace_period"].rstrip("s"))
    (kill,) = re.findall(r'"--workers-kill-timeout", "(\d+)s"', DOCKERFILE)

    assert grace > settings.LEASE_SECONDS
    assert web > int(kill) > settings.HOOK_DEADLINE_SECONDS + PROBE_SECONDS
