"""What a server calls: webhooks go the short way, everything else Django's own."""

from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core import signals

from config.wsgi import application
from tests.webhooks.conftest import SECRET, body_of
from webhooks import views
from webhooks.models import InboxMessage
from webhooks.signature import sign

pytestmark = pytest.mark.django_db


class Server:
    """Calls the application as a server does; keeps the last status and headers."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
        environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": BytesIO(body)}
        setup_testing_defaults(environ)
        answer = application(environ | {"CONTENT_LENGTH": str(len(body))} | headers, self.start)
        content = b"".join(answer)
        getattr(answer, "close", lambda: None)()
        return content

    def start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self.status, self.headers = status, dict(headers)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def started():
    """What Django said had started."""
    seen = []

    def note(sender, **named):
        seen.append(sender)

    receivers = signals.request_started.receivers
    signals.request_started.receivers = []
    signals.request_started.connect(note)
    yield seen
    signals.request_started.disconnect(note)
    signals.request_started.receivers = receivers


def test_a_webhook_is_answered_whole_without_a_signal(server, started, hook):
    body = body_of("seed-staging")

    content = server.ask(
        f"/webhooks/sentry/hooks/{hook.address}/",
        method="POST",
        body=body,
        HTTP_X_SERVICEHOOK_SIGNATURE=sign(body, SECRET),
    )

    assert server.status == "202 Accepted"
    assert server.headers == {"Content-Type": "application/json", "Content-Length": str(len(content))}
    assert InboxMessage.objects.get().integration_id == hook.integration_id
    assert started == []


def test_other_addresses_go_the_whole_way(server, started):
    server.ask("/healthz", HTTP_HOST="127.0.0.1")

    assert server.status == "200 OK"
    assert len(started) == 1


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks/sentry/hooks/no-address/", "/webhooks/é/"])
def test_a_wrong_address_below_the_webhooks_is_our_404_and_asks_no_database(
    server, path, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr("webhooks.sql.run", None)
    with django_assert_num_queries(0):  # no signal would give the connection back
        content = server.ask(path.encode().decode("latin-1"), method="POST", body=b"{}")

    assert server.status == "404 Not Found"
    assert b"<html" in content


def test_a_mistake_of_ours_is_answered_and_logged(server, hook, monkeypatch, caplog):
    monkeypatch.setattr(views, "ensure_keeper", lambda: 1 / 0)

    server.ask(f"/webhooks/sentry/hooks/{hook.address}/", method="POST", body=b"{}")

    assert server.status == "500 Internal Server Error"
    assert "ZeroDivisionError" in caplog.text
