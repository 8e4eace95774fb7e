"""Runs in the peers' environment: events through the Split SDK with its default settings.

Arguments: the receiver's address, how many events, a file with the properties, "push" or "burst". Prints JSON.
"""

import json
import sys
import time
from pathlib import Path
from uuid import uuid4

from splitio import get_factory

FLUSH_SECONDS = 15.0
"""A little longer than the SDK's own pause of ten seconds between two bulks."""


def main(url: str, count: int, properties: dict[str, str], how: str) -> None:
    """Push as fast as the SDK takes them; while its queue is full, wait a moment. Then let it flush what is left."""
    factory = get_factory(
        "sdk-key", sdk_api_base_url=f"{url}/api", events_api_base_url=f"{url}/api",
        auth_api_base_url=f"{url}/api/v2", telemetry_api_base_url=f"{url}/api/v1",
    )  # fmt: skip
    factory.block_until_ready(10)
    client, run = factory.client(), uuid4().hex
    keys = [f"{run}-{number}" for number in range(count)]
    started, cpu = time.time(), time.process_time()
    for key in keys:
        while not client.track(key, "user", "sentry_exception", None, properties):
            time.sleep(0.001)
    pushed = time.time()
    if how == "burst":
        time.sleep(FLUSH_SECONDS)
    factory.destroy()
    if how == "push":
        time.sleep(2)
    used = time.process_time() - cpu
    print(json.dumps({"keys": keys, "started": started, "pushed": pushed, "cpu": used}))
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()), sys.argv[4])
