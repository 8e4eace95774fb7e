"""Sentry failing at each step of making a hook, and around tokens: exactly one hook in the end, and a working token."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from integrations.models import SentryInstallation, SentryIntegration, ServiceHook
from integrations.services import want_hook
from tests.faults.run import Run, Source
from tests.faults.scenarios import databases
from tests.faults.servers import wait_until
from tests.faults.stack import Stack
from tests.sandbox_process import SandboxProcess
from tests.waiting import free_port

STEPS: tuple[dict[str, Any], ...] = (
    {"kind": "drop", "operation": "hooks.get"},
    {"kind": "status", "status": 500, "operation": "hooks.get"},
    {"kind": "drop", "operation": "hooks.post"},
    {"kind": "status", "status": 503, "operation": "hooks.post"},
    {"kind": "drop_after", "operation": "hooks.post"},
    {"kind": "lose_answer", "operation": "hooks.post"},
)
PATIENCE_SECONDS = 100
"""Six failures in a row are waited out for a minute."""

LOST_REFRESH = {"kind": "lose_answer", "operation": "token", "contains": "refresh_token"}


def troubled(run: Run) -> None:
    """Each step fails once, a worker dies between POST and store, the token expires and its refresh is lost."""
    port = free_port()
    with SandboxProcess(f"http://127.0.0.1:{port}") as sandbox:
        stack = product(run, sandbox, port)
        source = installed(run, sandbox)
        for step in run.dice.sample(STEPS, 3 if run.is_short else len(STEPS)):
            sandbox.fail("sentry_api", times=1, **step)
        stack.start("drain")
        hook_is_well(sandbox, source)

        sandbox.control("hook", delete=hook_of(source).remote_id)
        sandbox.fail("sentry_api", "slow", seconds=1.0, operation="hooks.post", times=1)
        die_after_post(run, stack, sandbox, source)
        sandbox.heal()
        hook_is_well(sandbox, source)

        sandbox.control("expire", what="token", uuid=str(source.integration.installation.uuid))
        sandbox.fail("sentry_api", times=1, **LOST_REFRESH)
        sandbox.control("hook", delete=hook_of(source).remote_id)
        look_again(source)
        hook_is_well(sandbox, source)

        source.hook = hook_of(source)
        load = source.load(stack, run.count, run.dice, rate=100).wait(120)
        run.settle(source, load, seconds=60, note="1 hook, token works")
        hook_is_well(sandbox, source)


def product(run: Run, sandbox: SandboxProcess, port: int) -> Stack:
    """The product with this sandbox for Sentry."""
    run.world.end_stack()
    environment = run.world.environment() | sandbox.settings()
    environment |= {"FME_EVENTS_URL": run.world.fme.url, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    environment |= {"FAULT_WITHOUT": run.without}
    run.world.stack = Stack(run.world.folder, environment, without=run.without, port=port)
    run.world.stack.start("web")
    return run.world.stack


def installed(run: Run, sandbox: SandboxProcess) -> Source:
    """Install the app, and want a hook for one of Sentry's projects; no drain runs yet."""
    uuid = sandbox.control("install", organization="acme-gmbh", deliver=True)["uuid"]
    wait_until(lambda: SentryInstallation.objects.filter(uuid=uuid).exists(), 10, "the product heard of it")
    source = run.source()
    source.hook.delete()
    installation = SentryInstallation.objects.get(uuid=uuid)
    SentryIntegration.objects.filter(pk=source.integration.pk).update(
        installation=installation, organization="acme-gmbh", project_slug="front-end"
    )
    source.integration = SentryIntegration.objects.get(pk=source.integration.pk)
    with transaction.atomic():
        want_hook(source.integration)
    connection.close()
    return source


def hook_of(source: Source) -> ServiceHook:
    """The hook that is wanted, as it is stored now."""
    return ServiceHook.objects.get(integration=source.integration, wanted="present")


def hook_is_well(sandbox: SandboxProcess, source: Source) -> None:
    """Exactly one hook at Sentry, and it is the one we know."""

    def is_well() -> bool:
        hook = hook_of(source)
        connection.close()
        remote = [(one["id"], one["secret"]) for one in sandbox.state()["hooks"]]
        return remote == [(hook.remote_id, hook.secret)] and not hook.last_error and hook.claim is None

    wait_until(is_well, PATIENCE_SECONDS, f"exactly one hook at Sentry: {sandbox.state()['hooks']}")


def look_again(source: Source) -> None:
    """The hourly look at the hook, now."""
    ServiceHook.objects.filter(integration=source.integration, wanted="present").arm()
    connection.close()


def die_after_post(run: Run, stack: Stack, sandbox: SandboxProcess, source: Source) -> None:
    """Kill the drain when Sentry has made the hook and the row does not say so yet."""
    look_again(source)
    wait_until(lambda: not sandbox.get("failures")["failures"], 30, "the POST is under way")
    with row_locked(run, source):
        wait_until(lambda: sandbox.state()["hooks"], 30, "Sentry has made the hook")
        stack.kill("drain")
    stack.start("drain")


@contextlib.contextmanager
def row_locked(run: Run, source: Source) -> Iterator[None]:
    """Nobody can write the hook's row."""
    if run.world.postgres:
        with transaction.atomic():
            ServiceHook.objects.select_for_update().get(integration=source.integration, wanted="present")
            yield
        connection.close()
        return
    lock = databases.Lock(run.world.database_url)
    with databases.taken(lock.take, lock.give):
        yield
