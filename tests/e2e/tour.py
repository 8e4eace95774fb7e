"""Every page and state that a person can meet, over the data of `make demo-data`: for tests and pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route

from integrations.errors import static_page
from integrations.models import Environment, Project, SentryInstallation, SentryIntegration
from tests.factories import (
    EnvironmentFactory,
    EnvironmentMappingFactory,
    HookFactory,
    InstallationFactory,
    MessageFactory,
    ProjectFactory,
)
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, Notice, OutboxEvent, Problem
from webhooks.notices import add_receiver
from webhooks.problems import look

LONG = "a-very-long-sentry-project-slug-that-somebody-really-chose-for-their-checkout-service"

Act = Callable[[Page], object]


@dataclass(frozen=True, slots=True)
class Stop:
    """One page in one state: where it is, what is done there, and whom it is shown to."""

    name: str
    address: str
    act: Act | None = None
    person: str = "mina"
    status: int = 200
    is_scripted: bool = False
    """Whether it only exists with JavaScript."""
    is_ours: bool = True
    """Whether the markup is ours; Django admin's and the API page's is not."""

    def show(self, page: Page) -> None:
        """Go there and do what brings the state about."""
        answer = page.goto(self.address)
        assert answer is not None, self.name
        assert answer.status == self.status, (self.name, answer.status)
        if self.act:
            self.act(page)
            page.wait_for_load_state()  # what the act opened may be there before its stylesheet


def furnish(*, share: float) -> None:
    """Invented traffic for a month, the problems it makes, and one of each person."""
    call_command("demo_data", share=share, verbosity=0)
    User.objects.filter(username="mina").update(is_staff=True, is_superuser=True)
    look(timezone.now())
    loud = Problem.objects.order_by("pk").last()
    if loud:
        Problem.objects.filter(pk=loud.pk).update(muted_at=timezone.now())


def invite() -> None:
    """Only the account admin, as on the first day."""
    User.objects.create_user("mina", is_staff=True, is_superuser=True)


def stops() -> list[Stop]:
    """All of the furnished product, in the order of a walk through it."""
    return [
        *at_the_door(), *integrations(), *forms(), *orders(), *messages(), *events(), *administration(), *errors(),
        *operators(),
    ]  # fmt: skip


def first_day() -> Iterator[Stop]:
    """What an empty database shows."""
    names = (
        "integrations", "marketplace", "integration_choose", "integration_import", "messages", "events",
        "event_types", "problems", "checklist", "environments", "installations", "audit",
    )  # fmt: skip
    for name in names:
        yield Stop(f"first day: {name}", reverse(name))


def oddities() -> Iterator[Stop]:
    """What somebody really has one day: very long names, a hook that is not there yet, what FME no longer lists."""
    project = ProjectFactory(name=LONG.replace("-", " "))
    hook = HookFactory(
        integration__project=project, integration__project_slug=LONG, integration__organization=LONG[:40],
        confirmed_at=None, attempts=3, last_error="Sentry answered 503.",
    )  # fmt: skip
    gone = EnvironmentFactory(project=project, name=LONG[:60], sdk_key="", gone_at=timezone.now())
    EnvironmentMappingFactory(integration=hook.integration, environment=gone, sentry_environment="x" * 64)
    InstallationFactory(organization="gone", deleted_at=timezone.now())
    yield Stop("hook being created", hook.integration.get_absolute_url())
    yield Stop("form with long names", reverse("integration_edit", args=[hook.integration_id]))
    yield Stop("delete with a long name", reverse("integration_delete", args=[hook.integration_id]))
    yield Stop("list with long names", reverse("integrations"))
    yield Stop("keys with long names", reverse("environments"))
    yield Stop("choose among long names", reverse("integration_choose"))
    yield Stop("installation gone", reverse("installations"))
    message = send_long_words(hook.integration)
    yield Stop("log with long words", reverse("messages"))
    yield Stop("message with long words", reverse("message", args=[message.pk]))
    yield Stop("integration with long words", hook.integration.get_absolute_url())
    add_receiver("jane@example.com", "email", project)
    failing = add_receiver(f"https://hooks.example.com/{LONG}/{LONG}", "webhook", None)
    failing.last_error = f"The receiver failed (503): https://hooks.example.com/{LONG}"
    failing.save()
    Notice.objects.create(receiver=failing, kind="test", due_at=timezone.now() + timedelta(minutes=9))
    yield Stop("notices that fail", reverse("notices"))


def send_long_words(integration: SentryIntegration) -> InboxMessage:
    """A message that has no place to break a line at: in its title, its environment and its key."""
    event = {
        "eventID": "a" * 32, "type": "error", "dateCreated": "2026-01-01T00:00:00Z", "title": "E" * 250,
        "user": {"id": "k" * 250}, "tags": [{"key": "environment", "value": "e" * 64}],
        "entries": [{"type": "exception", "data": {"values": [{"type": "E" * 250, "value": ""}]}}],
    }  # fmt: skip
    message: InboxMessage = MessageFactory(integration=integration, payload={"event": event})
    drain_inbox()
    return message


def at_the_door() -> Iterator[Stop]:
    """What is shown without a login."""
    someone = SentryInstallation.objects.order_by("pk").first()
    uuid = someone.uuid if someone else ""
    yield Stop("login", reverse("login"), person="")
    yield Stop("login refused", reverse("login"), log_in_wrongly, person="")
    yield Stop(
        "sentry setup", f"{reverse('sentry_setup')}?installationId={uuid}&orgSlug=acme-gmbh", person=""
    )
    yield Stop("sentry setup without an id", reverse("sentry_setup"), person="", status=400)


def integrations() -> Iterator[Stop]:
    """The way of the product: from the marketplace to an integration that runs."""
    busy, gone, paused = (slug_of(name) for name in ("front-end", "android-app", "ios-app"))
    yield Stop("integrations", reverse("integrations"))
    yield Stop("marketplace", reverse("marketplace"))
    yield Stop("marketplace without a match", f"{reverse('marketplace')}?q=zzz")
    yield Stop("choose project", reverse("integration_choose"))
    yield Stop("integration", busy.get_absolute_url())
    yield Stop("integration over a week", f"{busy.get_absolute_url()}?range=7d&split=type")
    yield Stop("integration with its hook gone", gone.get_absolute_url())
    yield Stop("integration paused", paused.get_absolute_url())
    yield Stop("integration read by a viewer", busy.get_absolute_url(), person="lea")


def forms() -> Iterator[Stop]:
    """The form in its states."""
    project = Project.objects.get(fme_id="demo-shop")
    add = reverse("integration_add", args=[project.pk])
    edit = reverse("integration_edit", args=[slug_of("front-end").pk])
    yield Stop("form", add)
    yield Stop("form with errors", add, save)
    yield Stop("form with preview", edit, preview)
    yield Stop("form with rows changed", edit, change_rows)


def orders() -> Iterator[Stop]:
    """What is done with an integration on a page of its own."""
    busy, gone = slug_of("front-end"), slug_of("android-app")
    yield Stop("test exception", reverse("test_exception", args=[busy.pk]))
    yield Stop("resend", f"{reverse('resend_failed', args=[busy.pk])}?range=all")
    yield Stop("resend nothing", f"{reverse('resend_failed', args=[gone.pk])}")
    yield Stop("replay", f"{reverse('replay_since', args=[busy.pk])}?range=7d")
    yield Stop("duplicate", reverse("integration_duplicate", args=[busy.pk]))
    yield Stop("import", reverse("integration_import"))
    yield Stop("import refused", reverse("integration_import"), import_nonsense)
    yield Stop("delete", reverse("integration_delete", args=[busy.pk]))


def messages() -> Iterator[Stop]:
    """The log and the page of one message."""
    rows = InboxMessage.objects.filter(integration=slug_of("front-end")).order_by("-received_at")
    made = rows.filter(outcome="whole")[9]
    dropped = rows.filter(reason="environment_unmapped").first() or rows.filter(outcome="dropped")[0]
    yield Stop("messages", reverse("messages"))
    yield Stop("messages filtered", f"{reverse('messages')}?state=dropped&range=7d&environment=preview")
    yield Stop("messages without a match", f"{reverse('messages')}?q=zzz&range=24h")
    yield Stop("messages of an exact time", f"{reverse('messages')}?range=custom&state=dropped")
    failed = f"{reverse('messages')}?state=failed&integration={slug_of('front-end').pk}"
    yield Stop("messages failed", failed)
    yield Stop("messages live", f"{reverse('messages')}?live=1&range=1h", is_scripted=True)
    yield Stop("message", reverse("message", args=[made.pk]))
    yield Stop("message dropped", reverse("message", args=[dropped.pk]))
    yield Stop("message revealed", reverse("message", args=[made.pk]), reveal)


def events() -> Iterator[Stop]:
    """Track events, their types, and problems."""
    yield Stop("events", reverse("events"))
    yield Stop("event opened", f"{reverse('events')}?range=24h", open_event)
    yield Stop("events without a match", f"{reverse('events')}?key=zzz")
    yield Stop("event types", reverse("event_types"))
    yield Stop("problems", reverse("problems"))
    yield Stop("problems muted", f"{reverse('problems')}?tab=muted")
    yield Stop("problems gone", f"{reverse('problems')}?tab=gone")


def administration() -> Iterator[Stop]:
    """Admin settings, and the reader's own page."""
    yield Stop("checklist", reverse("checklist"))
    yield Stop("environments and keys", reverse("environments"))
    yield Stop("installations", reverse("installations"))
    yield Stop("notices", reverse("notices"))
    yield Stop("audit", reverse("audit"))
    yield Stop("profile", reverse("profile"))
    yield Stop("profile menu", reverse("integrations"), open_menu, is_scripted=True)


def errors() -> Iterator[Stop]:
    """What is shown when something is not as it should be."""
    foreign = slug_of("mailer")
    own = slug_of("front-end")
    yield Stop("not found", "/nowhere/", status=404)
    yield Stop("another project's", foreign.get_absolute_url(), person="lea", status=404)
    yield Stop("not for a viewer", reverse("integration_edit", args=[own.pk]), person="lea", status=403)
    yield Stop("form expired", reverse("profile"), send_without_token)
    yield Stop("too many tries", reverse("login"), lock_out, person="")
    yield Stop(
        "page broken", reverse("profile"), lambda page: serve(page, "500.html", reference="5f0c7a41d2be")
    )
    yield Stop("database away", reverse("profile"), lambda page: serve(page, "503.html"))


def operators() -> Iterator[Stop]:
    """Django admin and the description of the API."""
    yield Stop("api docs", reverse("api-docs"), is_scripted=True, is_ours=False)
    yield Stop("django admin", reverse("admin:index"), is_ours=False)
    for model in (SentryIntegration, SentryInstallation, Environment, InboxMessage, OutboxEvent):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        words = str(model._meta.verbose_name)
        yield Stop(f"django admin {words} list", reverse(f"{name}_changelist"), is_ours=False)
        one = model._default_manager.order_by("pk").values_list("pk", flat=True)[0]
        yield Stop(f"django admin {words}", reverse(f"{name}_change", args=[one]), is_ours=False)


def slug_of(project_slug: str) -> SentryIntegration:
    """The integration of a Sentry project."""
    return SentryIntegration.objects.get(project_slug=project_slug, project__fme_id__startswith="demo-")


def log_in_wrongly(page: Page) -> None:
    """Once, as somebody who is not there."""
    page.get_by_label("Username").fill("nobody-at-all")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()


def lock_out(page: Page) -> None:
    """Until the account is locked."""
    for _ in range(12):
        if page.get_by_role("heading", name="Too many").count():
            return
        page.get_by_label("Username").fill("somebody-else")
        page.get_by_label("Password").fill("wrong")
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()


def save(page: Page) -> None:
    """Save the form as it stands, which is refused."""
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").wait_for()


def preview(page: Page) -> None:
    """Show what the mapping makes of the last message."""
    page.get_by_role("button", name="Show preview").click()
    page.get_by_role("heading", name="from this message").wait_for()


def change_rows(page: Page) -> None:
    """Take one row away and add another."""
    page.get_by_role("button", name="Remove environment mapping production").click()
    page.get_by_text("It goes on Save").wait_for()
    page.get_by_role("button", name="Add identity mapping").click()
    page.get_by_label("Sentry identity path").nth(2).wait_for()


def import_nonsense(page: Page) -> None:
    """A file of some other program."""
    page.locator("input[type=file]").set_input_files(
        {"name": "front-end.json", "mimeType": "application/json", "buffer": b'{"version": 99}'}
    )
    page.get_by_role("button", name="Open the form").click()
    page.get_by_role("alert").wait_for()


def reveal(page: Page) -> None:
    """Show what is masked."""
    page.get_by_role("button", name="Show masked values").click()
    page.get_by_role("link", name="Mask again").wait_for()


def open_event(page: Page) -> None:
    """Show the JSON of the first track event."""
    page.get_by_role("link", name="JSON of").first.click()
    page.get_by_role("region", name="JSON of the event").wait_for()


def open_menu(page: Page) -> None:
    """The profile menu, behind the navigation's where there is little room."""
    if page.viewport_size and page.viewport_size["width"] < 960:
        page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Profile menu").click()


def send_without_token(page: Page) -> None:
    """As after cookies were cleared."""
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Show times so").click()
    page.get_by_role("heading", name="This form has expired").wait_for()


def serve(page: Page, template: str, **context: str) -> None:
    """The page that is rendered when no view can be: put where a view would be."""
    body = static_page(template, **context)

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body=body)

    page.route("**/broken/", answer)
    page.goto("/broken/")
