"""Run inside the product: one integration of "production" and "staging", printed as JSON. Argument: the secret."""

import json
import sys

import django
from django.utils import timezone

django.setup()

from integrations.models import (
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Project,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
    TrafficType,
)


def seed(secret: str) -> ServiceHook:
    """Exceptions of "production" go to two FME environments, for two identities, with the culprit: 8 events each."""
    now = timezone.now()
    project = Project.objects.create(fme_id="ws-1", name="Shop")
    installation = SentryInstallation.objects.create(
        uuid="9b77b1a6-3ac1-4d3d-a8b1-0e4b9c1c2a33",
        organization="acme",
        announced_at=now,
        token="token",
        state="dead",
    )  # dead: nothing is to be asked of a Sentry that is not there
    integration = SentryIntegration.objects.create(
        project=project,
        installation=installation,
        organization="acme",
        project_slug="shop",
        capture_culprit=sys.argv[2:] == ["culprit"],
    )
    for name in ("Prod-Default", "Prod-Europe"):
        environment = Environment.objects.create(
            project=project, fme_id=name, name=name, sdk_key=f"sdk-key-of-{name}", sdk_key_set_at=now
        )
        EnvironmentMapping.objects.create(
            integration=integration, sentry_environment="production", environment=environment
        )
    for path, name in (("data.error.user.id", "user"), ("data.error.tags.level", "account")):
        traffic_type = TrafficType.objects.create(project=project, fme_id=name, name=name)
        IdentityMapping.objects.create(integration=integration, path=path, traffic_type=traffic_type)
    return ServiceHook.objects.create(
        integration=integration, installation=installation, organization="acme", project_slug="shop",
        secret=secret, remote_id="1", confirmed_at=now, due_at=now.replace(year=now.year + 1),
    )  # fmt: skip


if __name__ == "__main__":
    hook = seed(sys.argv[1])
    sys.stdout.write(json.dumps({"address": str(hook.address), "integration": hook.integration_id}))
