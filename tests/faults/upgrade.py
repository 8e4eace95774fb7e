"""Upgrade under load: `python -m tests.faults.upgrade FOLDER`, which holds an older version, as of `git worktree add`.

Processes of the older version take webhooks and deliver; the tables are migrated beneath them; processes of this
version join, and those of the older one are stopped. Nothing may be lost, and nothing come twice.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import UUID

import django

from tests.faults.payloads import Event, messages
from tests.faults.rabbit import Rabbit
from tests.faults.servers import wait_until
from tests.faults.stack import Stack
from tests.faults.world import World

ENVIRONMENTS = ("staging", "production")
RATE = 60

CONFIGURE = """
import json
from integrations.models import *
project = Project.objects.create(fme_id="ws-1", name="Webshop")
installation = SentryInstallation.objects.create(uuid="9b776487-8f30-4857-8e42-14e2f2c02532")
integration = SentryIntegration.objects.create(
    project=project, installation=installation, organization="acme", project_slug="shop")
for name in ("staging", "production"):
    environment = Environment.objects.create(project=project, fme_id=name, name=name, sdk_key=f"key-of-{name}-letters")
    EnvironmentMapping.objects.create(integration=integration, sentry_environment=name, environment=environment)
user = TrafficType.objects.create(project=project, fme_id="user", name="user")
IdentityMapping.objects.create(integration=integration, path="data.error.user.id", traffic_type=user)
hook = ServiceHook.objects.create(
    integration=integration, installation=installation, organization="acme", project_slug="shop", secret="a-secret",
    remote_id="1", state="done")
print(json.dumps(str(hook.address)))
"""
"""What every version knows of the models."""


def main() -> None:
    """One upgrade; AssertionError when anything was lost or came twice."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    asked.add_argument("--count", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with world(given.database, given.seed, given.count) as ours:
        upgrade(ours, given.folder.resolve(), Random(given.seed))


@contextmanager
def world(database: str, seed: int, count: int) -> Iterator[World]:
    """A database, a broker and an FME, without tables."""
    broker = "rabbitmq" if Rabbit.is_there() else "redis"
    made = World(
        "postgres" if database == "postgres" else "sqlite", broker, seed=seed, is_short=True, count=count
    )
    os.environ.update(made.environment() | {"DATABASE_URL": made.observer_url})
    django.setup()
    try:
        yield made
    finally:
        made.close()


def upgrade(world: World, folder: Path, dice: Random) -> None:
    """The older version alone; then the new tables; then both; then this version alone."""
    from tests.faults.load import Load

    environment = world.environment()
    if world.postgres:
        environment["CELERY_BROKER_URL"] = world.broker.url
    old, new = (Stack(world.folder, environment, root=folder), Stack(world.folder, environment))
    try:
        old.manage("migrate")
        address = UUID(json.loads(old.manage("shell", "-v", "0", "-c", CONFIGURE)))
        sent = list(
            messages(world.count, address=address, secret="a-secret", environments=ENVIRONMENTS, dice=dice)
        )
        old.start(*world.usual)
        half = len(sent) // 2
        before = Load(old.port, sent[:half], rate=RATE).start()
        wait_until(lambda: before.share > 0.3, 120, "the older version takes webhooks")
        started = time.monotonic()
        new.manage("migrate")
        migrated = time.monotonic() - started
        before.wait(300)
        new.start(*world.usual)
        after = Load(new.port, sent[half:], rate=RATE).start()
        wait_until(lambda: after.share > 0.5, 120, "this version takes webhooks")
        old.stop(*old.processes)
        after.wait(300)
        expected = before.accepted | after.accepted
        came = arrived(world, expected)
        twice = sum(times - 1 for times in came.values())
        longest = max(before.longest, after.longest)
        print(
            f"{world.database}: {len(sent)} messages, {len(expected)} accepted, {len(expected - set(came))} lost, "
            f"{twice} came twice; migrated in {migrated:.1f} s, longest answer {longest:.2f} s"
        )
        assert len(expected) == len(sent), f"{before.statuses()} {after.statuses()}"
        assert not expected - set(came), world.logs()
        assert not twice
    finally:
        old.close()
        new.close()


def arrived(world: World, expected: set[Event]) -> Counter[Event]:
    """What FME accepted, once it is all, or after a minute."""
    keys = [f"key-of-{name}-letters" for name in ENVIRONMENTS]
    end = time.monotonic() + 60
    while expected - set(world.fme.accepted(keys)) and time.monotonic() < end:
        time.sleep(0.2)
    return world.fme.accepted(keys)


if __name__ == "__main__":
    main()
