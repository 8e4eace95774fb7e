"""What somebody types into the form, as the browser posts it."""

from typing import Any

INSTALLATION = "9b774d1e-02c5-4d3f-9c0a-6f1f7f5f2a10"


def typed(
    environments: Any = (("staging", ""),), identities: Any = (("data.error.user.id", ""),), **values: str
) -> dict[str, str]:
    """The whole form; each row is (text, id of the chosen thing)."""
    data = {"installation_id": INSTALLATION, "organization": "acme-gmbh", "project_slug": "front-end"}
    return (
        data
        | _rows("environments", ("sentry_environment", "environment"), environments)
        | _rows("identities", ("path", "traffic_type"), identities)
        | values
    )


def _rows(prefix: str, names: tuple[str, str], rows: Any) -> dict[str, str]:
    data = {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": "0"}
    for place, row in enumerate(rows):
        data |= {f"{prefix}-{place}-{name}": str(value) for name, value in zip(names, row, strict=True)}
    return data
