"""`python -m sandbox`: serves the stand-ins on 127.0.0.1 until SIGTERM or Ctrl-C."""

import signal
import sys
import threading
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from sandbox.options import options


def main() -> int:
    """Run until told to stop. Returns 1, with one line on stderr, when the configuration forbids it."""
    try:
        here = options()
    except ImproperlyConfigured as reason:
        print(f"sandbox: {reason}", file=sys.stderr)
        return 1
    # The settings module reads the options as well, so it may only be loaded after the check above.
    from sandbox.background import start
    from sandbox.server import SandboxServer
    from sandbox.wsgi import application

    server = SandboxServer(("127.0.0.1", here.port), application)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    start()
    print(f"sandbox: http://127.0.0.1:{here.port}/", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


sys.exit(main())
