"""The process: where it refuses to run, what it keeps, how it ends, what it bears."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.sandbox.app import EVENT, sdk_key, send_events
from tests.sandbox_process import ROOT, SandboxProcess


@pytest.mark.parametrize(
    ("switches", "words"),
    [
        ({"SANDBOX": "off", "DEBUG": "on"}, "switched off"),
        ({"SANDBOX": "on", "DEBUG": "off"}, "only with DEBUG=on"),
        ({"SANDBOX": "on", "DEBUG": "on", "FME_ADMIN_API_KEY": ""}, "FME_ADMIN_API_KEY is missing"),
    ],
)
def test_it_refuses_to_start_in_words(tmp_path: Path, switches: dict[str, str], words: str) -> None:
    known = {"SENTRY_CLIENT_ID": "a", "SENTRY_CLIENT_SECRET": "b", "FME_ADMIN_API_KEY": "c"}
    environment = (
        os.environ | known | {"SANDBOX_STATE": str(tmp_path / "state"), "ENV_FILE": os.devnull} | switches
    )

    ended = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with SandboxProcess(state=tmp_path / "state.sqlite3") as sandbox:
        before = sandbox.state()
        send_events(sandbox, EVENT)
        sandbox.stop(remove=False)
        sandbox.start()

        after = sandbox.state()
        assert sandbox.received() == [EVENT]
        assert after["workspaces"] == before["workspaces"]
        assert after["projects"] == before["projects"]


def test_it_ends_at_once_although_connections_are_open(tmp_path: Path) -> None:
    with SandboxProcess() as sandbox:
        sandbox.fail("fme_events", "hang", seconds=30, times=1)
        waiting = threading.Thread(target=_send_and_forget, args=(sandbox,))
        waiting.start()
        time.sleep(0.2)
        begin = time.monotonic()
        sandbox.stop(remove=False)

        assert time.monotonic() - begin < 3
        waiting.join(5)


def test_eight_senders_at_once_lose_nothing(sandbox: SandboxProcess) -> None:
    key = sdk_key(sandbox)

    def send(number: int) -> None:
        for place in range(20):
            send_events(sandbox, EVENT | {"key": f"{number}-{place}"}, EVENT, key=key)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sandbox.count() == 320
    assert sandbox.get("received", limit=0, unique=1)["unique"] == 161


def test_a_hundred_thousand_events_are_counted_quickly(sandbox: SandboxProcess) -> None:
    key = sdk_key(sandbox)
    for batch in range(100):
        send_events(sandbox, *[EVENT | {"key": f"{batch}-{place}"} for place in range(1000)], key=key)

    begin = time.monotonic()
    counted = sandbox.count()
    found = sandbox.received(key="7-7")

    assert time.monotonic() - begin < 1
    assert (counted, [event["key"] for event in found]) == (100_000, ["7-7"])


def _send_and_forget(sandbox: SandboxProcess) -> None:
    try:
        send_events(sandbox, EVENT, key="any")
    except OSError:
        return
