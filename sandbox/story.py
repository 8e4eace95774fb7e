"""What became of a thrown exception, as far as Sentry and FME can know, in steps."""

import json
import sqlite3
import time
from dataclasses import dataclass

from sandbox.store import setting, store

PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 1.0  # after the last arrival; other environments get batches of their own


@dataclass(frozen=True, slots=True)
class Step:
    """One station. `state`: done, doing, failed, or todo; `note` is the time or what to do."""

    state: str
    word: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The way of one event. `seconds`: until the last event arrived at FME; None while it travels."""

    event_id: str
    steps: tuple[Step, ...]
    seconds: float | None
    is_over: bool


def tell(event_id: str) -> Story | None:
    """The story of an event, or None when there is no such event."""
    event = store().row("SELECT * FROM events WHERE event_id = ?", event_id)
    if event is None:
        return None
    data = json.loads(event["data"])
    thrown = Step(
        "done", "Thrown", f"by {(data.get('sdk') or {}).get('name', 'unknown')}", _clock(event["received"])
    )
    deliveries = store().rows("SELECT * FROM deliveries WHERE event_id = ? ORDER BY id", event_id)
    if not deliveries:
        return Story(event_id, (thrown, _unsent()), None, is_over=True)
    arrivals = store().rows("SELECT * FROM received WHERE sentry_event_id = ? ORDER BY id", event_id)
    posted = tuple(step for row in deliveries for step in _posted(row, event["received"]))
    arrived = _arrived(arrivals, event)
    taken = [row["received"] for row in arrivals if not row["dropped"]]
    seconds = taken[-1] - event["received"] if taken else None
    return Story(event_id, (thrown, *posted, arrived), seconds, _is_over(event, deliveries, arrivals))


def _is_over(event: sqlite3.Row, deliveries: list[sqlite3.Row], arrivals: list[sqlite3.Row]) -> bool:
    now = time.time()
    if now - event["received"] > PATIENCE_SECONDS:
        return True
    if not arrivals or any(row["state"] in ("pending", "sending") for row in deliveries):
        return False
    return now - float(arrivals[-1]["received"]) > QUIET_SECONDS


def _posted(row: sqlite3.Row, begin: float) -> tuple[Step, ...]:
    """Posting and what was answered, for one hook or the app."""
    name = "the service hook" if row["kind"] == "service_hook" else "the app's webhook"
    if row["finished"] is None:
        return (Step("doing", "Signed and posting", f"to {name}"),)
    after = _after(row["finished"], begin)
    if row["status"] is None:
        again = " Sentry will try again." if row["state"] in ("pending", "sending") else ""
        return (Step("failed", "Not reached", f"{row['error']}.{again}", after),)
    posted = Step("done", "Signed and posted", f"to {name}", after)
    if row["status"] < 300:
        return (posted, Step("done", "Stored", f"answered {row['status']}", after))
    lost = " Sentry looks at no status: the event is lost." if row["kind"] == "service_hook" else ""
    return (posted, Step("failed", "Refused", f"answered {row['status']}.{lost}", after))


def _arrived(rows: list[sqlite3.Row], event: sqlite3.Row) -> Step:
    taken = [row for row in rows if not row["dropped"]]
    if not rows:
        is_old = time.time() - event["received"] > PATIENCE_SECONDS
        words = "nothing so far. The product's page of messages says why." if is_old else "nothing yet"
        return Step("todo" if is_old else "doing", "Harness FME received", words)
    if not taken:
        return Step("failed", "Harness FME dropped", f"{len(rows)} track events", rows[0]["dropped"])
    ids = {row["environment_id"] for row in taken}
    sql = "SELECT name FROM fme_environments WHERE id = ?"
    names = ", ".join(sorted(str(store().value(sql, number)) for number in ids))
    events = f"{len(taken)} track event{'s' if len(taken) > 1 else ''} in {names}"
    return Step("done", "Harness FME received", events, _after(taken[-1]["received"], event["received"]))


def _unsent() -> Step:
    if not setting("service_hooks", True):
        return Step("failed", "Not sent", "The organization's plan has no service hooks.")
    return Step(
        "todo", "Not sent", "The project has no service hook yet: configure the integration in the product."
    )


def _clock(moment: float) -> str:
    return f"{time.strftime('%H:%M:%S', time.gmtime(moment))}.{int(moment % 1 * 1000):03d} UTC"


def _after(moment: float, begin: float) -> str:
    return f"+ {max(0.0, moment - begin):.2f} s"
