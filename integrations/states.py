"""States in words: what is so, why, and what to do about it; the pages, API and lists say the same."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from integrations.announcements import problem_of
from integrations.fields import UnreadableSecret
from integrations.models import (
    CatalogueRefresh,
    Environment,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
)


@dataclass(frozen=True, slots=True)
class Status:
    """A word with its icon and colour, a sentence that explains it, and whether it is still moving."""

    kind: str  # ok | warn | bad | info, or nothing
    icon: str
    word: str
    sentence: str = ""
    is_moving: bool = False
    action: str = ""
    address: str = ""  # where the action is done


def hook_status(hook: ServiceHook | None) -> Status:
    """How the hook at Sentry stands; `last_error` already holds Sentry's words and the remedy."""
    if hook is None:
        return Status("bad", "x", "No hook", "Nothing is created at Sentry. Check now creates it.")
    if hook.phase == "failed":
        return Status("bad", "x", "Hook failed", hook.last_error)
    if hook.phase == "active" and hook.due_at <= timezone.now():
        return Status(
            "info", "spin", "Checking the hook", "Sentry is asked whether it still has it.", is_moving=True
        )
    if hook.phase == "active" and not hook.last_error:
        return Status("ok", "check", "Active", "Sentry sends every exception of the project.")
    if hook.phase == "active":
        return Status("warn", "alert", "Active, last check failed", hook.last_error)
    waiting = hook.last_error or "Sentry is asked for the hook now; this takes a few seconds."
    return Status("info", "spin", "Creating the hook", waiting, is_moving=True)


def integration_status(integration: SentryIntegration) -> Status:
    """What an administrator should know first about an integration; uses what is prefetched."""
    form = reverse("integration_edit", args=[integration.pk])
    if integration.installation.deleted_at:
        words = problem_of(integration.installation)
        return Status("bad", "x", "Uninstalled in Sentry", words, action="Paste new ID", address=form)
    if not integration.is_active:
        return Status("", "pause", "Paused", "Messages are stored and skipped; they can be replayed.")
    hook = hook_status(integration.hook)
    if hook.kind == "bad":
        return replace(hook, action="Correct", address=form)
    if hook.kind != "ok":
        return hook
    return next(environment_troubles(integration), Status("ok", "check", "Working", "The hook is active."))


def environment_troubles(integration: SentryIntegration) -> Iterator[Status]:
    """What keeps events from reaching the environments an integration maps, worst first."""
    mapped = {row.environment_id: row.environment for row in integration.environment_mappings.all()}
    form = reverse("integration_edit", args=[integration.pk])
    for kind in ("bad", "warn"):
        for environment in mapped.values():
            state = key_status(environment)
            if state.kind == kind:
                word = f"{environment}: {_lower(state.word)}"
                yield replace(
                    state, word=word, action=state.action or "Change mapping", address=state.address or form
                )


def key_status(environment: Environment) -> Status:
    """Whether events can be delivered to an environment."""
    enter = f"{reverse('environments')}?key={environment.pk}#enter-{environment.pk}"
    if environment.gone_at:
        return Status("warn", "alert", "Gone in FME", "Harness FME does not list this environment any more.")
    if not environment.has_sdk_key:
        words = "Its events wait until one is entered; none is lost."
        return Status("warn", "alert", "SDK key missing", words, action="Enter key", address=enter)
    try:
        _ = environment.sdk_key
    except UnreadableSecret as error:
        return Status("bad", "x", "SDK key unreadable", str(error), action="Enter key", address=enter)
    if environment.is_held:
        return Status("bad", "x", "Held", environment.hold_reason, action="Enter key", address=enter)
    return Status("ok", "check", "Set")


def order_status(order: SdkKeyOrder | None) -> Status | None:
    """How far the creation of a key through the Admin API is; None when it is done or does not matter any more."""
    if order is None or order.state == State.DONE or order.is_overtaken:
        return None
    if order.state == State.DEAD:
        return Status("bad", "x", "Harness FME made no key", order.last_error)
    return Status("info", "spin", "Being created in Harness FME", order.last_error, is_moving=True)


def installation_status(installation: SentryInstallation) -> Status:
    """How the app's installation in a Sentry organization stands."""
    if installation.deleted_at:
        return Status(
            "bad", "x", "Uninstalled", "Install the app again in Sentry; it gets a new Installation ID."
        )
    if installation.state == State.DEAD:
        return Status("bad", "x", "Connection lost", installation.last_error)
    if installation.has_token and not installation.last_error:
        return Status("ok", "check", "Connected", "The token is renewed on its own.")
    if installation.has_token:
        return Status("warn", "alert", "Connected, renewal failed", installation.last_error)
    if installation.has_code:
        waiting = installation.last_error or "The code from Sentry is being exchanged for a token."
        return Status("info", "spin", "Connecting", waiting, is_moving=True)
    return Status(
        "info", "clock", "Waiting for Sentry", "Sentry’s message about this installation has not come yet."
    )


def refresh_status() -> Status | None:
    """How the reading of FME's catalogue stands, when there is something to say about it."""
    refresh = CatalogueRefresh.objects.filter(pk=1).first()
    if refresh is None or (refresh.due_at > timezone.now() and not refresh.last_error):
        return None
    if refresh.state == State.DEAD or refresh.last_error:
        return Status("bad", "x", "Could not be read", refresh.last_error)
    return Status("info", "spin", "Being read", is_moving=True) if refresh.state == State.PENDING else None


def missing_settings() -> list[str]:
    """What the operator still has to set before the integration can work, in sentences."""
    needed = {
        "SENTRY_CLIENT_ID": settings.SENTRY_CLIENT_ID,
        "SENTRY_CLIENT_SECRET": settings.SENTRY_CLIENT_SECRETS,
        "FME_ADMIN_API_KEY": settings.FME_ADMIN_API_KEY,
    }
    purpose = {
        "SENTRY_CLIENT_ID": "without it no installation can be connected",
        "SENTRY_CLIENT_SECRET": "without it messages of the Sentry app are refused",
        "FME_ADMIN_API_KEY": "without it projects cannot be read from Harness FME",
    }
    return [f"{name} is not set: {purpose[name]}." for name, value in needed.items() if not value]


def _lower(word: str) -> str:
    return word if word[:2].isupper() else word[0].lower() + word[1:]
