"""Both load generators: what they send is signed, unique, and reported as it was answered."""

import hashlib
import hmac
import json
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load import FALLBACK, NotAllAnswered, Target, build, fire

SECRET = "a-secret"


class Receiver(BaseHTTPRequestHandler):
    """Answers 202 to what is signed rightly, 401 to the rest; keeps the ids."""

    protocol_version = "HTTP/1.1"
    ids: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        expected = hmac.new(SECRET.encode(), b"1." + body, hashlib.sha256).hexdigest()
        self.ids.append(json.loads(body)["id"])
        self.send_response(202 if self.headers["Signature"] == f"v1={expected}" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def port():
    Receiver.ids = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["c", "python"])
def command(request, tmp_path):
    if request.param == "python":
        return [sys.executable, str(FALLBACK)]
    if not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("there is no C compiler")
    return build(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """Bodies around the length at which SHA-256 begins another block."""
    found = tmp_path / "bodies"
    found.mkdir()
    for more in range(0, 130, 13):
        (found / f"{more:03}").write_text(json.dumps({"fill": "x" * more, "id": "0" * 32}))
    return found


def test_every_request_is_signed_and_has_an_id_of_its_own(command, port, folder):
    target = Target(port, "/hooks/", SECRET, "Signature: v1=", "1.")

    load = fire(command, target, folder, seconds=0.3, warm_up=0.1, connections=2, rate=100)

    assert load.accepted == set(Receiver.ids)
    assert len(Receiver.ids) == len(set(Receiver.ids)) == pytest.approx(40, abs=15)


def test_a_wrong_signature_spoils_the_run(command, port, folder):
    target = Target(port, "/hooks/", "another-secret", "Signature: v1=", "1.")

    with pytest.raises(NotAllAnswered):
        fire(command, target, folder, seconds=0.2, warm_up=0.0, connections=2)


@pytest.mark.parametrize("command", ["c"], indirect=True)
def test_a_connection_that_the_server_closed_while_it_rested_spoils_nothing(
    command, port, folder, monkeypatch
):
    monkeypatch.setattr(Receiver, "timeout", 0.08)  # each connection rests for 0.2 s
    target = Target(port, "/hooks/", SECRET, "Signature: v1=", "1.")

    load = fire(command, target, folder, seconds=1.0, warm_up=0.0, connections=4, rate=20)

    assert load.accepted == set(Receiver.ids)
    assert len(load.accepted) == pytest.approx(20, abs=8)
