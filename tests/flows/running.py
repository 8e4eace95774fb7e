"""A running product with the sandbox behind it, configured and asked over the REST API."""

from typing import Any

import requests

from tests.product_process import Product
from tests.sandbox_process import SandboxProcess
from tests.waiting import until


class Running:
    """A running product with the sandbox behind it, and a token for its API."""

    def __init__(self, product: Product, sandbox: SandboxProcess) -> None:
        self.product, self.sandbox = product, sandbox
        self.token = product.manage("create_api_token", "admin").strip()

    def api(self, method: str, path: str, **body: Any) -> Any:
        """One API call; raises for an error."""
        answer = requests.request(
            method, f"{self.product.url}/api/v1/{path}", json=body, timeout=20,
            headers={"Authorization": f"Token {self.token}"},
        )  # fmt: skip
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def configure(self, *, capture_culprit: bool = True) -> Any:
        """The product document's configuration of front-end; returns the integration."""
        state = self.sandbox.state()
        self.product.manage("refresh_catalogue")
        project = next(p for p in self.api("GET", "projects/") if p["name"] == "Webshop")
        environments = {e["name"]: e["id"] for e in project["environments"]}
        types = {t["name"]: t["id"] for t in project["traffic_types"]}
        for key in sdk_keys(state):
            if key["environment"] in environments.values():
                self.api("PUT", f"environments/{key['environment']}/sdk-key/", sdk_key=key["key"])
        installation = self.sandbox.control("install", organization="acme-gmbh")["uuid"]
        integration = self.api(
            "POST",
            "sentry-integrations/",
            project=project["id"],
            installation_id=installation,
            organization="acme-gmbh",
            project_slug="front-end",
            capture_culprit=capture_culprit,
            environment_mappings=[
                {"sentry_environment": name.lower(), "environment": key} for name, key in environments.items()
            ],
            identity_mappings=[
                {"path": "data.error.user.id", "traffic_type": types["user"]},
                {"path": "data.error.user.orgId", "traffic_type": types["org"]},
            ],
        )
        place = f"sentry-integrations/{integration['id']}/"
        assert until(lambda: self.api("GET", place)["hook"]["state"] == "active", seconds=90)
        return self.api("GET", place)

    def throw(self, **event: Any) -> str:
        """One exception in front-end; returns its event id."""
        exception = {"type": "Error", "value": "Test error"}
        return str(
            self.sandbox.control("throw", project="front-end", exception=exception, **event)["event_id"]
        )

    def received(self, event_id: str, count: int) -> list[tuple[str, str, str]]:
        """Environment, traffic type and key of an exception's track events, once `count` are there."""
        events = self.events(event_id, count)
        return sorted((e["environmentName"], e["trafficTypeName"], e["key"]) for e in events)

    def events(self, event_id: str, count: int) -> list[dict[str, Any]]:
        """An exception's track events as FME received them, once `count` are there."""
        until(lambda: self.sandbox.count(event_id=event_id) >= count)
        return self.sandbox.received(event_id=event_id)


def sdk_keys(state: Any) -> list[dict[str, str]]:
    """The sandbox's SDK keys, with the environment of each."""
    return [
        {"environment": environment["id"], "key": environment["sdk_key"]}
        for workspace in state["workspaces"]
        for environment in workspace["environments"]
    ]
