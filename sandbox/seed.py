"""What exists at the first start: an FME account, a Sentry organization, an installation to be configured."""

import secrets
import time
import uuid

from sandbox.sentry.installations import create_installation
from sandbox.store import store

ORGANIZATION = ("acme-gmbh", "ACME GmbH")
SENTRY_PROJECTS = (
    ("front-end", "Front End", "javascript"),
    ("back-end", "Back End", "python"),
)
SENTRY_ENVIRONMENTS = ("production", "staging")
WORKSPACES = (
    ("Webshop", ("Staging", "Production"), ("user", "org")),
    ("Mobile app", ("Staging", "Production"), ("user", "device")),
)


def seed() -> None:
    """Fill an empty store, once. A store that has an organization is left alone."""
    with store().write():
        if store().value("SELECT 1 FROM organizations"):
            return
        _seed_sentry()
        for workspace in WORKSPACES:
            _seed_workspace(*workspace)


def add_organization(slug: str, name: str) -> int:
    return store().insert("organizations", slug=slug, name=name, created=time.time())


def add_project(organization_id: int, slug: str, name: str, platform: str) -> int:
    return store().insert(
        "projects",
        organization_id=organization_id,
        slug=slug,
        name=name,
        platform=platform,
        public_key=secrets.token_hex(16),
        created=time.time(),
    )


def add_sentry_environment(project_id: int, name: str, *, is_hidden: bool = False) -> None:
    """Make it known to Sentry, hidden or not; an event does so by itself."""
    values = (project_id, name, int(is_hidden))
    store().run("INSERT OR REPLACE INTO environments (project_id, name, hidden) VALUES (?, ?, ?)", *values)


def add_workspace(name: str) -> str:
    position = store().value("SELECT count(*) FROM workspaces")
    store().insert("workspaces", id=(new := fme_id()), name=name, position=position)
    return new


def add_environment(workspace_id: str, name: str) -> str:
    """An environment and, as FME makes one itself, a server-side SDK key for it."""
    position = store().value("SELECT count(*) FROM fme_environments")
    production = int(name.lower().startswith("prod"))
    values = {"workspace_id": workspace_id, "name": name, "production": production, "position": position}
    store().insert("fme_environments", id=(new := fme_id()), created=time.time(), **values)
    add_sdk_key(new, f"{name} server-side", "server_side")
    return new


def add_traffic_type(workspace_id: str, name: str) -> str:
    position = store().value("SELECT count(*) FROM traffic_types")
    store().insert(
        "traffic_types", id=(new := fme_id()), workspace_id=workspace_id, name=name, position=position
    )
    return new


def add_sdk_key(environment_id: str, name: str, kind: str) -> str:
    """A new SDK key of one environment; answers the key itself."""
    key = secrets.token_hex(26)
    values = {"name": name, "type": kind, "environment_id": environment_id}
    store().insert("sdk_keys", id=fme_id(), key=key, created=time.time(), **values)
    return key


def fme_id() -> str:
    """FME's ids are version 1 UUIDs."""
    return str(uuid.uuid1())


def _seed_sentry() -> None:
    organization_id = add_organization(*ORGANIZATION)
    for project in SENTRY_PROJECTS:
        project_id = add_project(organization_id, *project)
        for environment in SENTRY_ENVIRONMENTS:
            add_sentry_environment(project_id, environment)
    create_installation(organization_id, is_seed=True)


def _seed_workspace(name: str, environments: tuple[str, ...], traffic_types: tuple[str, ...]) -> None:
    workspace_id = add_workspace(name)
    for environment in environments:
        add_environment(workspace_id, environment)
    for traffic_type in traffic_types:
        add_traffic_type(workspace_id, traffic_type)
