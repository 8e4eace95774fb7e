"""The page of notices: account admins say who is told; the page queues rows and reads rows, and shows a secret once."""

import re

import pytest
from auditlog.models import LogEntry
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from integrations.models import Project
from tests.factories import ProjectFactory
from tests.receiver import receiver
from webhooks.models import Notice, NoticeReceiver
from webhooks.notice_delivery import drain_notices
from webhooks.notices import add_receiver

Kind = NoticeReceiver.Kind
HOOK = "https://hooks.example.com/in/secret-path"


@pytest.fixture(autouse=True)
def with_email(settings):
    settings.EMAIL_IS_SET = True


@pytest.fixture
def admin(client, account_admin):
    client.force_login(account_admin)
    return client


@pytest.fixture
def address(db):
    return reverse("notices")


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def test_an_e_mail_address_is_added(admin, address):
    page = admin.post(address, {"address": " jane@example.com ", "project": ""}, follow=True)

    row = NoticeReceiver.objects.get()
    assert (row.kind, row.address, row.project, row.secret) == (Kind.EMAIL, "jane@example.com", None, "")
    assert "jane@example.com is told of every problem that opens from now on." in text_of(page)
    assert "No notice yet" in text_of(page)


def test_a_secret_of_a_webhook_is_shown_once(admin, address, project):
    page = admin.post(address, {"address": HOOK, "project": project.pk})

    row = NoticeReceiver.objects.get()
    assert (row.kind, row.project) == (Kind.WEBHOOK, project)
    assert row.secret in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert row.secret not in admin.get(address).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter an e-mail address, or an address that begins with https://."),
        ("jane", "Enter an e-mail address, or an address that begins with https://."),
        ("jane@", "This is no e-mail address."),
        ("a@example.com\nBcc: b@example.com", "This is no e-mail address."),
        ("a@example.com, b@example.com", "This is no e-mail address."),
        ("http://hooks.example.com/", "Only https addresses are sent to."),
        ("https://hooks.example.com:8443/", "Only port 443 is sent to; leave the port out."),
        ("https://10.0.0.1/", "Only addresses on the public internet are sent to."),
        ("https://localhost/", "Only addresses on the public internet are sent to."),
        ("https://user:pw@hooks.example.com/", "without a user"),
        ("javascript://hooks.example.com/", "Write it as https://host/path"),
        ("https://hooks.example.com/" + "x" * 500, "at most 500 characters"),
    ],
)
def test_what_cannot_be_told_is_refused_in_words_and_stays_typed(admin, address, typed, words):
    page = admin.post(address, {"address": typed, "project": ""})

    assert words in text_of(page)
    assert NoticeReceiver.objects.count() == 0
    assert page.context["form"]["address"].value() == typed


def test_nobody_is_told_twice_of_the_same(admin, address, project):
    other = ProjectFactory()

    def add(where):
        return text_of(admin.post(address, {"address": "jane@example.com", "project": where}, follow=True))

    assert "is told of every problem" in add(project.pk)
    assert f"This address is told already: of {project}." in add(project.pk)
    assert "is told of every problem" in add(other.pk)
    assert "This address is told already" in add("")
    NoticeReceiver.objects.all().delete()
    add("")
    assert "This address is told already: of every project." in add(project.pk)


def test_without_a_mail_server_no_mail_address_is_taken_and_the_page_says_why(admin, address, settings):
    add_receiver("old@example.com", Kind.EMAIL, None)
    settings.EMAIL_IS_SET = False

    page = text_of(admin.post(address, {"address": "jane@example.com"}))

    assert "The server has no mail server set (EMAIL_URL), so only https addresses can be added." in page
    assert "Notices for e-mail addresses wait for a day" in page
    assert NoticeReceiver.objects.count() == 1


def test_a_test_notice_is_a_row_until_the_drain_has_sent_it(admin, address):
    row = add_receiver("jane@example.com", Kind.EMAIL, None)

    page = admin.post(reverse("notice_test", args=[row.pk]), follow=True)
    assert "Being sent" in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert mail.outbox == []

    drain_notices()
    page = admin.get(address)
    assert "Delivered" in text_of(page)
    assert 'hx-trigger="every 2s"' not in page.content.decode()
    assert mail.outbox[0].subject == "[FME Integrations] Test notice"


def test_the_page_says_what_keeps_a_notice_from_arriving(admin, address, settings):
    settings.NOTICES_ALLOW_PRIVATE = True
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    with receiver(busy) as server:
        row = add_receiver(f"http://127.0.0.1:{server.port}/", Kind.WEBHOOK, None)
        admin.post(reverse("notice_test", args=[row.pk]))
        drain_notices()

    words = text_of(admin.get(address))
    assert "Failing The receiver failed (503): Service Unavailable. Next try" in words

    Notice.objects.update(state=State.DEAD)
    assert "Last notice failed The receiver failed (503)" in text_of(admin.get(address))


def test_an_address_is_removed_with_what_waits_for_it(admin, address):
    row = add_receiver("jane@example.com", Kind.EMAIL, None)
    Notice.objects.create(receiver=row, kind=Notice.Kind.TEST)

    page = admin.post(reverse("notice_remove", args=[row.pk]), follow=True)

    assert "jane@example.com is removed." in text_of(page)
    assert (NoticeReceiver.objects.count(), Notice.objects.count()) == (0, 0)
    assert admin.post(reverse("notice_remove", args=[row.pk])).status_code == 404


def test_adding_testing_and_removing_are_on_record_without_address_and_secret(admin, address, account_admin):
    admin.post(address, {"address": HOOK})
    row = NoticeReceiver.objects.get()
    admin.post(reverse("notice_test", args=[row.pk]))
    drain_notices()
    admin.post(reverse("notice_remove", args=[row.pk]))

    entries = list(LogEntry.objects.filter(content_type__model="noticereceiver").order_by("pk"))
    assert [entry.action for entry in entries] == [0, 1, 2]
    assert {entry.actor for entry in entries} == {account_admin}
    assert {entry.object_repr for entry in entries} == {"https://hooks.example.com/…"}
    shown = text_of(admin.get(reverse("audit"), {"about": "receiver"}))
    assert "Sent a test notice" in shown
    text = str([(entry.changes, entry.changes_text, entry.serialized_data) for entry in entries])
    assert "secret-path" not in text
    assert row.secret not in text


@pytest.mark.parametrize("who", ["viewer", "project_admin"])
def test_others_neither_see_nor_change_who_is_told(client, request, address, who):
    client.force_login(request.getfixturevalue(who))
    row = add_receiver("jane@example.com", Kind.EMAIL, None)

    assert client.get(address).status_code == 403
    assert client.post(address, {"address": HOOK}).status_code == 403
    for name in ("notice_test", "notice_remove"):
        assert client.post(reverse(name, args=[row.pk])).status_code == 403
    assert address not in client.get(reverse("problems")).content.decode()
    assert address not in client.get(reverse("integrations")).content.decode()
    assert (NoticeReceiver.objects.count(), Notice.objects.count()) == (1, 0)


def test_nobody_reads_it_without_a_login(client, address):
    assert client.get(address).status_code == 302


def test_a_get_changes_nothing(admin, address):
    row = add_receiver("jane@example.com", Kind.EMAIL, None)

    assert [
        admin.get(reverse(name, args=[row.pk])).status_code for name in ("notice_test", "notice_remove")
    ] == [405] * 2


def test_it_is_linked_from_the_settings_and_the_problems(admin, address):
    assert f'href="{address}"' in admin.get(reverse("integrations")).content.decode()
    assert f'href="{address}"' in admin.get(reverse("problems")).content.decode()


def test_a_project_that_harness_fme_no_longer_lists_is_not_offered(admin, address, project):
    Project.objects.update(gone_at=timezone.now())

    page = admin.post(address, {"address": "jane@example.com", "project": project.pk})

    assert "Choose a project of the list." in text_of(page)


def test_the_page_costs_the_same_for_one_receiver_and_for_twenty(admin, address):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            admin.get(address)
        return len(captured)

    def add(name):
        row = add_receiver(f"{name}@example.com", Kind.EMAIL, ProjectFactory())
        Notice.objects.create(receiver=row, kind=Notice.Kind.TEST)

    add("one")
    one = queries()
    for number in range(20):
        add(number)

    assert queries() == one
