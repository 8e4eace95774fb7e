"""A real sandbox process for tests: its own port, its own state file, ended with the test."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tests.waiting import free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20.0
Json = dict[str, Any]
Headers = dict[str, str]


class SandboxProcess:
    """`python -m sandbox` on a free port. A context manager; `url` is where Sentry and FME are."""

    def __init__(
        self,
        public_url: str = "http://127.0.0.1:9",
        *,
        client_id: str = "sandbox-client-id",
        client_secret: str = "sandbox-client-secret",
        admin_api_key: str = "sandbox-admin-key",
        announce: bool = False,
        state: Path | None = None,
    ) -> None:
        self.public_url, self.client_id, self.client_secret = public_url, client_id, client_secret
        self.admin_api_key, self.announce = admin_api_key, announce
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-")
        self._state = state or Path(self._folder.name) / "state.sqlite3"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """The product's environment for this sandbox."""
        return {
            "SENTRY_BASE_URL": self.url,
            "SENTRY_CLIENT_ID": self.client_id,
            "SENTRY_CLIENT_SECRET": self.client_secret,
            "FME_API_URL": f"{self.url}/internal/api/v2",
            "FME_ADMIN_API_KEY": self.admin_api_key,
            "FME_EVENTS_URL": f"{self.url}/api",
        }

    def start(self) -> None:
        """Start, or start again with the same port and state; returns when it answers."""
        self.port = self.port or free_port()
        environment = (
            os.environ
            | self.settings()
            | {
                "ENV_FILE": os.devnull,
                "SANDBOX": "on",
                "DEBUG": "on",
                "SANDBOX_PORT": str(self.port),
                "SANDBOX_STATE": str(self._state),
                "PUBLIC_URL": self.public_url,
                "SANDBOX_ANNOUNCE": "on" if self.announce else "off",
                "SENTRY_APP_SLUG": "harness-fme",
            }
        )
        self._log = (Path(self._folder.name) / "log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"], cwd=ROOT, env=environment, stdout=self._log, stderr=self._log
        )
        self._wait()

    def stop(self, *, remove: bool = True) -> None:
        """End the process; `remove` forgets the state as well."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self._log.close()
        if remove:
            self._folder.cleanup()

    def control(self, call: str, *, method: str = "POST", **body: Any) -> Any:
        """A control call by its name; raises AssertionError with the sandbox's words when it is refused."""
        status, answer = self.request(
            method, f"/control/{call}", body if method == "POST" else None, query=body
        )
        assert status == 200, f"{call}: {status} {answer}"
        return answer

    def get(self, call: str, **query: Any) -> Any:
        """A control call that only asks."""
        return self.control(call, method="GET", **query)

    def received(self, **wanted: Any) -> list[Json]:
        """Events at FME, newest first, as they were sent; filters as in `docs/sandbox.md`."""
        found = self.get("received", **({"limit": 1000} | wanted))["events"]
        return [entry["event"] for entry in found]

    def count(self, **wanted: Any) -> int:
        """How many events FME has accepted (with `dropped=1`: dropped)."""
        return int(self.get("received", **({"limit": 0} | wanted))["count"])

    def fail(self, peer: str, kind: str, **more: Any) -> int:
        """Set a failure switch; answers its id."""
        return int(self.control("failures", peer=peer, kind=kind, **more)["id"])

    def heal(self) -> None:
        """Clear all failure switches."""
        self.control("failures", method="DELETE")

    def state(self) -> Json:
        found: Json = self.get("state")
        return found

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Json | None = None,
        headers: Headers | None = None,
    ) -> tuple[int, Any]:
        """One plain HTTP request; answers status and JSON (or text). No test double can intercept it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        text = None if body is None else json.dumps(body)
        target = path + (f"?{urlencode(query)}" if query and body is None else "")
        try:
            connection.request(method, target, text, {"Content-Type": "application/json"} | (headers or {}))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        self.last_headers = dict(response.getheaders())
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, content.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                if self.request("GET", "/control/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
            if self._process is not None and self._process.poll() is not None:
                break
        log = (Path(self._folder.name) / "log").read_text()
        raise RuntimeError(f"the sandbox at {urlsplit(self.url).netloc} did not start:\n{log}")
