"""Preparing a first try against the sandbox: a login, a catalogue, keys; every step repeatable."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from durable.models import State
from integrations.catalogue import refresh_now
from integrations.models import (
    Account,
    Environment,
    Project,
    SdkKeyOrder,
    SentryInstallation,
    ServiceHook,
    TrafficType,
)
from integrations.payloads.lenient import JsonValue
from integrations.peers import Peer, PeerError
from integrations.sdk_keys import drain_sdk_keys
from integrations.services import order_sdk_key

LOGIN = "admin"
WAIT_SECONDS = 60.0
PAUSE_SECONDS = 0.2

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tour:
    """What a newcomer needs to know to try the product."""

    username: str
    password: str = field(repr=False)
    installation_id: str
    organization: str
    project_slug: str
    dsn: str


def prepare() -> Tour:
    """Wait for the sandbox and make everything ready. Raises PeerError when something stays away."""
    sandbox = Peer("The sandbox", settings.SANDBOX_URL)
    _patiently(lambda: sandbox.ask("GET", "/control/health").expect(200))
    password = _account_admin(settings.VAR_DIR / "sandbox-login")
    Account.objects.update_or_create(pk=1, defaults={"sentry_enabled_at": timezone.now()})
    _patiently(refresh_now)
    _provide_keys()
    return _tour(sandbox.ask("GET", "/control/state").expect(200).json, password)


def introduce(projects: QuerySet[Project]) -> None:
    """Have the sandbox know what was entered here for `projects`, as if it had been made there.

    Less what is given up, and the keys of held environments: those are refused there too. Raises PeerError.
    """
    hooks = ServiceHook.objects.filter(integration__project__in=projects).exclude(state=State.DEAD)
    installations = SentryInstallation.objects.filter(projects__in=projects, deleted_at=None).distinct()
    known: JsonValue = {
        "installations": [_installation(each) for each in installations],
        "hooks": [_hook(each) for each in hooks],
        "workspaces": [_workspace(each) for each in projects],
    }
    Peer("The sandbox", settings.SANDBOX_URL).ask("POST", "/control/adopt", body=known).expect(200)


def wait_for_web() -> None:
    """Return when the product's own pages answer. Raises PeerError when they stay away."""
    web = Peer("The web server", settings.PUBLIC_URL)
    _patiently(lambda: web.ask("GET", "/healthz").expect(200))


def _patiently(call: Callable[[], _T]) -> _T:
    """Processes of one group start in any order: try again until WAIT_SECONDS are over."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return call()
        except PeerError as error:
            if error.permanent or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _account_admin(kept_in: Path) -> str:
    """A superuser whose random password is kept in a file that only its owner reads; the same at every start."""
    if not kept_in.exists():
        kept_in.parent.mkdir(parents=True, exist_ok=True)
        kept_in.touch(mode=0o600)
        kept_in.write_text(f"{secrets.token_urlsafe(12)}\n")
    password = kept_in.read_text().strip()
    user, _ = User.objects.get_or_create(username=LOGIN, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return password


def _installation(installation: SentryInstallation) -> JsonValue:
    expires_at = installation.token_expires_at or timezone.now()
    return {
        "uuid": str(installation.uuid), "organization": installation.organization, "token": installation.token,
        "refresh_token": installation.refresh_token, "expires": expires_at.timestamp(),
    }  # fmt: skip


def _hook(hook: ServiceHook) -> JsonValue:
    return {
        "organization": hook.organization, "project": hook.project_slug, "id": hook.remote_id, "url": hook.url,
        "secret": hook.secret,
    }  # fmt: skip


def _workspace(project: Project) -> JsonValue:
    environments: JsonValue = [
        {
            "id": each.fme_id, "name": each.name, "is_production": each.is_production,
            "key": "" if each.hold_attempts else each.sdk_key,
        }
        for each in Environment._default_manager.filter(project=project)
    ]  # fmt: skip
    traffic_types = TrafficType._default_manager.filter(project=project)
    kinds: JsonValue = [{"id": each.fme_id, "name": each.name} for each in traffic_types]
    return {"id": project.fme_id, "name": project.name, "environments": environments, "traffic_types": kinds}


def _provide_keys() -> None:
    """An SDK key for every environment without one; the drain of another process may be quicker."""
    for environment in Environment._default_manager.filter(gone_at=None, sdk_key=""):
        order_sdk_key(environment)
    deadline = time.monotonic() + WAIT_SECONDS
    while SdkKeyOrder.objects.filter(state="pending").exists() and time.monotonic() < deadline:
        drain_sdk_keys()
        time.sleep(PAUSE_SECONDS)


def _tour(state: JsonValue, password: str) -> Tour:
    match state:
        case {
            "installations": list() as installations,
            "organizations": [{"slug": str() as organization}, *_],
            "projects": [{"slug": str() as project, "dsn": str() as dsn}, *_],
        }:
            living = [one for one in installations if isinstance(one, dict) and not one.get("deleted")]
            newest = str(living[-1]["uuid"]) if living else "install the app in the sandbox"
            return Tour(LOGIN, password, newest, organization, project, dsn)
    raise PeerError("The sandbox holds no project. Remove var/sandbox.sqlite3.")
