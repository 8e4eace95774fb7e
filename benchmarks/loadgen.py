"""The load generator where there is no C compiler: the same options and answers, slower by far.

It signs every body while the clock runs and has one thread for each connection, so it may itself be the bottleneck.
"""

import argparse
import hashlib
import hmac
import http.client
import itertools
import json
import resource
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

NO_ID = b"0" * 32


class Run:
    """What all threads share: the bodies, the clock and what came back."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.bodies = [file.read_bytes() for file in sorted(Path(options.bodies).iterdir())]
        self.start = time.monotonic()
        self.count_from = self.start + options.warm_up
        self.stop = self.count_from + options.seconds
        self.numbers = itertools.count()
        self.latencies: list[float] = []
        self.accepted: list[str] = []
        self.sent = self.other = self.broken = 0
        self.last = self.count_from

    def work(self) -> None:
        """One connection: its next request when the last one is answered, or when one is due."""
        connection = http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=20)
        while (number := next(self.numbers)) >= 0:
            due = self.start + number / self.options.rate if self.options.rate else time.monotonic()
            if due >= self.stop or time.monotonic() >= self.stop:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            self.send(connection, self.bodies[number % len(self.bodies)], due)

    def send(self, connection: http.client.HTTPConnection, body: bytes, due: float) -> None:
        """One request with an id and a signature of its own."""
        event_id, options = uuid4().hex, self.options
        content = body.replace(NO_ID, event_id.encode(), 1)
        signed = options.signed_first.encode() + content
        name, _, first = options.signature_header.partition(": ")
        signature = first + hmac.new(options.secret.encode(), signed, hashlib.sha256).hexdigest()
        self.sent += 1
        try:
            connection.request(
                "POST", options.path, content, {name: signature, "Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.broken += 1
            connection.close()
            return
        if answer.status // 100 != 2:
            self.other += 1
            return
        self.accepted.append(event_id)
        if due >= self.count_from:
            self.last = time.monotonic()
            self.latencies.append(self.last - due)


def report(run: Run) -> str:
    """The same JSON object as the C program's."""
    ordered = sorted(run.latencies) or [0.0]
    span, used = run.last - run.count_from, resource.getrusage(resource.RUSAGE_SELF)
    at = {
        name: 1000 * ordered[int(share * (len(ordered) - 1))]
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1))
    }
    figures = {
        "seconds": span, "fine": len(run.latencies), "other": run.other, "broken": run.broken, "sent": run.sent,
        "per_second": len(run.latencies) / span if span > 0 else 0.0, "p50_ms": at["p50"], "p99_ms": at["p99"],
        "max_ms": at["max"], "cpu_us": 1e6 * (used.ru_utime + used.ru_stime) / max(run.sent, 1),
    }  # fmt: skip
    return json.dumps(figures)


def main(arguments: list[str]) -> None:
    """Run, print, write the accepted ids."""
    parser = argparse.ArgumentParser()
    for name in ("bodies", "secret", "signed-first", "signature-header", "path", "accepted"):
        parser.add_argument(f"--{name}", default="")
    for name in ("port", "connections"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("rate", "seconds", "warm-up"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    run = Run(parser.parse_args(arguments))
    threads = [threading.Thread(target=run.work) for _ in range(run.options.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path(run.options.accepted).write_text("".join(f"{event_id}\n" for event_id in run.accepted))
    sys.stdout.write(report(run))


if __name__ == "__main__":
    main(sys.argv[1:])
