"""What the marketplace lists. Sentry is what this app brings; the others are set up in Harness FME itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the marketplace."""

    name: str
    purpose: str
    category: str
    is_here: bool = False


ENTRIES = (
    Entry("Sentry", "Exceptions as track events, error monitoring", "Data", is_here=True),
    Entry("Segment", "Track and identify calls as events", "Data"),
    Entry("mParticle", "Feed of events and identities", "Data"),
    Entry("Amazon S3", "Event and impression files", "Data"),
    Entry("Google Analytics", "Browser events through a tag", "Data"),
    Entry("Jira", "Rollout plans on issues", "Workflow"),
    Entry("Slack", "Flag changes in a channel", "Workflow"),
    Entry("Datadog", "Flag changes on dashboards", "Workflow"),
)


def found_entries(query: str) -> list[Entry]:
    """The entries whose words hold every word of `query`; all of them for a blank one."""
    words = query.casefold().split()
    return [entry for entry in ENTRIES if all(word in _text(entry) for word in words)]


def _text(entry: Entry) -> str:
    return f"{entry.name} {entry.purpose} {entry.category}".casefold()
