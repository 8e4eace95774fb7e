"""Stored events, read back with what they belong to."""

import json

from sandbox.options import options
from sandbox.sentry.bodies import Occurrence
from sandbox.store import setting, store


def load(row_id: int) -> Occurrence:
    """A stored event with its surroundings."""
    row = store().one(
        "SELECT e.*, p.slug, p.name, p.platform, o.slug AS organization, i.number, i.count, i.first_seen,"
        " i.last_seen FROM events e JOIN projects p ON p.id = e.project_id"
        " JOIN organizations o ON o.id = p.organization_id"
        " JOIN issues i ON i.id = e.issue_id WHERE e.id = ?",
        row_id,
    )
    return Occurrence(
        data=json.loads(row["data"]),
        host=options().own_url,
        organization=row["organization"],
        project_id=row["project_id"],
        project=row["slug"],
        project_name=row["name"],
        project_platform=row["platform"],
        issue_id=row["issue_id"],
        issue_number=row["number"],
        issue_count=row["count"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        received=row["received"],
        current=setting("sentry_release", "23.7.1") == "2026",
    )
