"""Django's WSGI handler, with a shorter way for webhooks than for everything else."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse

from config.middleware import WEBHOOKS, call_view

answer_webhook = cast(Callable[[HttpRequest], HttpResponse], convert_exception_to_response(call_view))
"""Never raises; the stubs say it may be asynchronous, which a plain function is not."""


class Handler(WSGIHandler):
    """Calls a webhook's view without the signals that Django sends around each request.

    On them it looks through the thread's connections and caches. A webhook needs none of them, and looking was an
    eighth of its CPU. For those who call Django otherwise there is the middleware `WebhooksFirst`.
    """

    def __call__(  # type: ignore[override]  # the stubs name what Django returns here, not what WSGI asks for
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(WEBHOOKS):
            whole: Iterable[bytes] = super().__call__(environ, start_response)
            return whole
        answer = answer_webhook(self.request_class(environ))
        start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
        return [answer.content]
