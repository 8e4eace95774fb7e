"""Stands in for FME where speed is measured: takes every POST, and appends time and body to a file for later.

A WSGI application for granian. RECEIVED names the file: for each POST to the events address a line of seconds and
length, then the body as it came. The requests of the Split SDK's start are answered with an account of one flag, so
that it knows the traffic type and does not warn with each event.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

EVENTS = "/api/events/bulk"
FLAG = {
    "changeNumber": 1, "trafficTypeName": "user", "name": "flag", "trafficAllocation": 100,
    "trafficAllocationSeed": 1, "seed": 1, "status": "ACTIVE", "killed": False, "defaultTreatment": "off",
    "algo": 2, "conditions": [],
}  # fmt: skip
NO_STREAMING = b'{"pushEnabled": false, "token": ""}'

log = os.open(os.environ.get("RECEIVED", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer 202 to events once they are in the file, 200 to everything else."""
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if path == EVENTS:
        os.writev(log, [f"{time.time()} {len(body)}\n".encode(), body])
        start_response("202 Accepted", [("Content-Length", "0")])
        return [b""]
    is_known = "since=1" in environ["QUERY_STRING"].split("&")
    answer = changes(is_known) if "splitChanges" in path else NO_STREAMING if "auth" in path else b"{}"
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


def changes(is_known: bool) -> bytes:
    """The flag, and then that nothing has changed."""
    since = 1 if is_known else -1
    flags = {"d": [] if is_known else [FLAG], "s": since, "t": 1}
    return json.dumps({"ff": flags, "rbs": {"d": [], "s": since, "t": 1}}).encode()
