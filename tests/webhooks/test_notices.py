"""Whoever wants to is told when a problem opens: once, of all that opened together, by mail or signed webhook."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from config.mail import mail as mail_settings
from durable.models import State
from tests.factories import HookFactory, MessageFactory
from tests.receiver import mail_server, receiver
from tests.webhooks.test_problems import fail
from webhooks import problems
from webhooks.inbox import drain_inbox
from webhooks.models import Notice, NoticeReceiver, Problem, ProblemScan
from webhooks.notice_delivery import drain_notices
from webhooks.notices import MOST_LISTED, add_receiver, order_test
from webhooks.problems import look
from webhooks.retention import prune

Kind = NoticeReceiver.Kind
PUBLIC = "https://fme.example.com"


@pytest.fixture(autouse=True)
def outward(settings):
    """A mail server, receivers on this machine, and an address that links lead to."""
    settings.EMAIL_IS_SET = settings.NOTICES_ALLOW_PRIVATE = True
    settings.DEFAULT_FROM_EMAIL = "FME Integrations <no-reply@fme.example.com>"
    settings.PUBLIC_URL = PUBLIC


@pytest.fixture
def hook(project):
    return HookFactory(integration__project=project, integration__project_slug="front-end")


@pytest.fixture
def jane(db):
    return add_receiver("jane@example.com", Kind.EMAIL, None)


def told():
    """What the notices of each receiver list."""
    return [
        (notice.receiver.address, sorted(problem["subject"] for problem in notice.content))
        for notice in Notice.objects.order_by("pk")
    ]


def make_due():
    Notice.objects.filter(state=State.PENDING).update(due_at=timezone.now())


# --- who is told of what --------------------------------------------------------------------------


def test_what_opens_together_is_one_notice_and_is_not_told_again_while_it_lasts(hook, jane):
    fail(hook.integration, subject="preview")
    fail(hook.integration, subject="qa")
    look(timezone.now())
    fail(hook.integration, subject="preview")
    look(timezone.now())

    assert told() == [("jane@example.com", ["preview", "qa"])]


def test_one_that_was_gone_and_is_back_is_told_again(hook, jane):
    fail(hook.integration)
    look(timezone.now())
    Problem.objects.update(gone_at=timezone.now(), muted_at=timezone.now())

    look(timezone.now())

    assert told() == [("jane@example.com", ["preview"])] * 2


def test_a_muted_one_is_not_told_while_it_lasts(hook, jane):
    now = timezone.now()
    Problem.objects.create(
        integration=hook.integration, kind="environment_unmapped", subject="preview", first_seen_at=now,
        last_seen_at=now, muted_at=now,
    )  # fmt: skip
    fail(hook.integration)

    look(now)

    assert told() == []


def test_a_receiver_of_one_project_is_told_of_that_project_only(hook, jane):
    other = HookFactory()
    add_receiver("here@example.com", Kind.EMAIL, hook.integration.project)
    add_receiver("there@example.com", Kind.EMAIL, other.integration.project)
    fail(hook.integration)

    look(timezone.now())

    assert told() == [("jane@example.com", ["preview"]), ("here@example.com", ["preview"])]


def test_of_very_many_a_notice_lists_some_and_counts_the_rest(hook, jane):
    for number in range(MOST_LISTED + 3):
        fail(hook.integration, subject=f"env-{number}")
    look(timezone.now())
    assert (len(Notice.objects.get().content), Notice.objects.get().unlisted) == (MOST_LISTED, 3)
    drain_notices()

    assert mail.outbox[0].subject == "[FME Integrations] 53 problems opened"
    assert "And 3 more." in mail.outbox[0].body


def test_without_a_receiver_nothing_is_made(hook):
    fail(hook.integration)
    look(timezone.now())

    assert Notice.objects.count() == 0


def test_problem_and_notice_are_made_together_or_not_at_all(hook, jane, monkeypatch):
    fail(hook.integration)
    monkeypatch.setattr(Notice.objects, "bulk_create", lambda rows: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        look(timezone.now())

    assert Problem.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_tell_once(hook, jane, monkeypatch):
    ProblemScan.objects.create(pk=1)
    fail(hook.integration)
    gate, find = threading.Barrier(2), problems.find

    def find_together(*args):
        found = list(find(*args))
        gate.wait()
        return found

    def look_and_close():
        look(timezone.now())
        connection.close()

    monkeypatch.setattr(problems, "find", find_together)
    threads = [threading.Thread(target=look_and_close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told() == [("jane@example.com", ["preview"])]


# --- by mail ----------------------------------------------------------------------------------------


def test_a_mail_says_what_since_when_how_often_and_what_to_do(hook, jane):
    for _ in range(3):
        payload = {"event": {"eventID": "a" * 32, "type": "error", "dateCreated": "2026-01-01T00:00:00Z",
                             "tags": [{"key": "environment", "value": "preview"}]}}  # fmt: skip
        MessageFactory(integration=hook.integration, payload=payload)
    drain_inbox()
    look(timezone.now())
    drain_notices()

    (sent,) = mail.outbox
    assert sent.subject == "[FME Integrations] Problem: Environment preview is not mapped (front-end)"
    assert (sent.to, sent.from_email) == (["jane@example.com"], "FME Integrations <no-reply@fme.example.com>")
    assert "front-end → Checkout, since 20" in sent.body
    assert "UTC, 3 times" in sent.body
    assert "the messages are kept and can be replayed" in sent.body
    assert f"Map it: {PUBLIC}/admin-settings/integrations/{hook.integration_id}/edit/" in sent.body
    assert f"All problems: {PUBLIC}/problems/" in sent.body


def test_what_must_not_be_seen_is_masked_and_nothing_breaks_a_header(hook, jane):
    subject = "mail jane.doe@customer.example\r\nBcc: evil@example.com\u2028 ghp_0123456789abcdef"
    fail(hook.integration, subject=subject)
    look(timezone.now())
    assert "customer.example" not in str(Notice.objects.get().content)
    drain_notices()

    (sent,) = mail.outbox
    text = sent.message().as_string()
    assert "customer.example" not in text
    assert "ghp_0123456789abcdef" not in text
    assert "\nBcc:" not in text
    assert sent.recipients() == ["jane@example.com"]


def test_a_mail_that_is_sent_twice_has_one_id(hook, jane):
    order_test(jane)
    drain_notices()
    Notice.objects.update(state=State.PENDING, due_at=timezone.now())
    drain_notices()

    first, second = (sent.message()["Message-ID"] for sent in mail.outbox)
    assert first == second == f"<{Notice.objects.get().uuid}@fme.example.com>"


@pytest.fixture
def through(settings):
    """Send mail to a port of this machine."""

    def use(port):
        for name, value in mail_settings(f"smtp://127.0.0.1:{port}").items():
            setattr(settings, name, value)

    return use


def test_a_mail_goes_through_a_real_mail_server(hook, jane, through):
    fail(hook.integration, subject="prüfung")
    look(timezone.now())
    with mail_server() as (port, mails):
        through(port)
        drain_notices()

    (got,) = mails
    assert (got["To"], got["Auto-Submitted"]) == ("jane@example.com", "auto-generated")
    assert (
        got["Subject"].strip() == "[FME Integrations] Problem: Environment prüfung is not mapped (front-end)"
    )
    assert "Environment prüfung is not mapped" in got.get_content()
    assert Notice.objects.get().state == State.DONE


@pytest.mark.parametrize(
    ("refuses", "state"),
    [
        ({"RCPT": b"550 no such user"}, State.DEAD),
        ({"RCPT": b"451 come back later"}, State.PENDING),
        ({"DATA": b"554 looks like spam"}, State.DEAD),
        ({"MAIL": b"553 not your address"}, State.PENDING),
    ],
)
def test_what_a_mail_server_refuses_for_good_is_given_up(jane, through, refuses, state):
    order_test(jane)
    with mail_server(refuses=refuses) as (port, _):
        through(port)
        drain_notices()

    notice = Notice.objects.get()
    (answer,) = refuses.values()
    assert notice.state == state
    assert notice.last_error == f"The mail server refused ({answer[:3].decode()}): {answer[4:].decode()}"


def test_a_mail_server_that_is_away_is_tried_again(jane, through):
    with mail_server() as (port, _):
        pass
    order_test(jane)
    through(port)

    drain_notices()

    assert Notice.objects.get().state == State.PENDING
    assert "ConnectionRefusedError" in Notice.objects.get().last_error


def test_without_a_mail_server_mails_wait_and_say_so(jane, settings):
    settings.EMAIL_IS_SET = False
    order_test(jane)
    drain_notices()

    jane.refresh_from_db()
    assert Notice.objects.get().state == State.PENDING
    assert "EMAIL_URL is not set" in jane.last_error
    assert mail.outbox == []


# --- by webhook ---------------------------------------------------------------------------------------


def hooked(server, project=None):
    return add_receiver(f"http://127.0.0.1:{server.port}/in", Kind.WEBHOOK, project)


def test_a_webhook_holds_the_problems_and_a_signature_that_anybody_can_check(hook):
    with receiver() as server:
        target = hooked(server)
        fail(hook.integration)
        look(timezone.now())
        drain_notices()

    body, headers = json.loads(server.body), server.headers
    assert body["type"] == "problem.opened"
    assert body["unlisted"] == 0
    assert body["problems"] == [
        {
            "kind": "environment_unmapped",
            "title": "Environment preview is not mapped",
            "subject": "preview",
            "integration": "front-end",
            "project": "Checkout",
            "count": 3,
            "first_seen_at": body["problems"][0]["first_seen_at"],
            "url": f"{PUBLIC}/admin-settings/integrations/{hook.integration_id}/edit/",
        }
    ]
    key = base64.b64decode(target.secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + server.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == str(Notice.objects.get().uuid)


def test_a_test_notice_says_that_it_is_one(db):
    with receiver() as server:
        order_test(hooked(server))
        drain_notices()

    assert json.loads(server.body)["type"] == "test"
    assert json.loads(server.body)["problems"] == []


def test_each_webhook_has_a_secret_of_its_own_that_is_stored_encrypted(db):
    one, other = (add_receiver(f"https://{name}.example.com/", Kind.WEBHOOK, None) for name in "ab")

    assert one.secret != other.secret
    assert len(base64.b64decode(one.secret.removeprefix("whsec_"))) == 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM webhooks_noticereceiver")
        assert all("whsec_" not in stored for (stored,) in cursor.fetchall())


def test_a_private_address_is_given_up_before_a_byte_is_sent(db, settings):
    settings.NOTICES_ALLOW_PRIVATE = False
    with receiver() as server:
        order_test(add_receiver(f"https://127.0.0.1:{server.port}/", Kind.WEBHOOK, None))
        drain_notices()

    assert server.connections == 0
    assert Notice.objects.get().state == State.DEAD


# --- when it does not arrive --------------------------------------------------------------------------

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"


def test_a_refusal_is_given_up_at_once_and_shown_at_the_receiver(db):
    with receiver(GONE) as server:
        target = hooked(server)
        order_test(target)
        drain_notices()

    target.refresh_from_db()
    assert Notice.objects.get().state == State.DEAD
    assert target.last_error == "The receiver refused (410): Gone."


def test_a_failure_is_tried_again_for_a_day_and_then_given_up(db):
    with receiver(BUSY) as server:
        order_test(hooked(server))
        drain_notices()
        assert Notice.objects.get().state == State.PENDING
        Notice.objects.update(made_at=timezone.now() - timedelta(hours=25))
        make_due()
        drain_notices()

    assert len(server.requests) == 1
    assert Notice.objects.get().state == State.DEAD
    assert (
        Notice.objects.get().last_error
        == "Given up after a day. The receiver failed (503): Service Unavailable."
    )


def test_old_news_that_nobody_tried_to_deliver_is_delivered(db):
    with receiver() as server:
        order_test(hooked(server))
        Notice.objects.update(made_at=timezone.now() - timedelta(hours=30))
        drain_notices()

    assert Notice.objects.get().state == State.DONE


def test_a_receiver_that_fails_is_asked_once_for_all_that_waits(hook):
    with receiver(BUSY) as server:
        target = hooked(server)
        for _ in range(5):
            Notice.objects.create(receiver=target, kind=Notice.Kind.TEST)
        drain_notices()

    assert len(server.requests) == 1
    assert set(Notice.objects.values_list("state", "last_error")) == {
        ("pending", "The receiver failed (503): Service Unavailable.")
    }


def test_a_receiver_that_is_well_again_gets_all_that_waited(db):
    with receiver() as server:
        target = hooked(server)
        target.last_error = "The receiver failed (503)."
        target.save()
        later = timezone.now() + timedelta(minutes=30)
        for due_at in (timezone.now(), later, later):
            Notice.objects.create(receiver=target, kind=Notice.Kind.TEST, due_at=due_at)
        drain_notices()

    target.refresh_from_db()
    assert len(server.requests) == 3
    assert (target.last_error, target.delivered_at is not None) == ("", True)


def test_one_that_fails_holds_up_no_other(db, jane):
    with receiver(BUSY) as server:
        order_test(hooked(server))
        order_test(jane)
        drain_notices()

    assert len(mail.outbox) == 1


def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(db):
    with receiver() as server:
        order_test(hooked(server))
        drain_notices()
        Notice.objects.update(state=State.PENDING, due_at=timezone.now(), claim=None)
        drain_notices()

    ids = {
        line
        for request in server.requests
        for line in request.split(b"\r\n")
        if line.startswith(b"webhook-id")
    }
    assert (len(server.requests), len(ids)) == (2, 1)


def test_what_was_sent_while_the_database_went_away_is_noted_when_it_is_back(jane, monkeypatch):
    order_test(jane)
    finish, lost = Notice.finish, [OperationalError("gone")]

    def finish_late(notice, **changes):
        if lost:
            raise lost.pop()
        return finish(notice, **changes)

    monkeypatch.setattr("durable.patience.connection.close", lambda: None)
    monkeypatch.setattr(Notice, "finish", finish_late)
    drain_notices()

    assert len(mail.outbox) == 1
    assert Notice.objects.get().state == State.DONE


def test_a_second_test_does_not_double_the_one_that_waits(jane):
    order_test(jane)
    order_test(jane)

    assert Notice.objects.count() == 1


def test_a_receiver_that_is_removed_is_told_nothing(jane):
    order_test(jane)
    jane.delete()
    drain_notices()

    assert mail.outbox == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 204 No Content\r\n\r\n", GONE], ids=["delivered", "given up"])
def test_what_was_said_is_not_kept_once_it_is_settled(hook, answer):
    with receiver(answer) as server:
        hooked(server)
        fail(hook.integration)
        look(timezone.now())
        drain_notices()

    assert json.loads(server.body)["problems"]
    assert Notice.objects.get().content == []


def test_settled_notices_are_pruned_and_waiting_ones_are_not(jane, settings):
    old = timezone.now() - timedelta(days=settings.RETENTION_DAYS + 1)
    for state in State.values:
        Notice.objects.create(receiver=jane, kind=Notice.Kind.TEST, state=state, made_at=old)
    recent = Notice.objects.create(receiver=jane, kind=Notice.Kind.TEST, state=State.DONE)

    assert prune()["notices"] == 2
    assert set(Notice.objects.values_list("state", flat=True)) == {State.PENDING, State.DONE}
    assert Notice.objects.filter(pk=recent.pk).exists()
