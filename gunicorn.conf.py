"""Gunicorn in granian's place: `gunicorn config.wsgi`. Every value can be set on the command line too.

A thread reads the request's body, so a sender that dawdles holds one. There are more threads than the
senders that may dawdle at once; database connections do not grow with them, because the webhooks
share one writer thread in each process.
"""

import os
from pathlib import Path

wsgi_app = "config.wsgi:application"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "64"))
worker_connections = 1000

timeout = 30  # seconds without a sign of life before a worker is replaced
graceful_timeout = 10  # seconds that requests in hand may take when the server stops
keepalive = 5

# The heartbeat file must not lie on a disk that can stall; Linux has memory mounted here.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes a private file

# The addresses of trusted proxies are TRUSTED_PROXIES in the settings, read by our own middleware.
forwarded_allow_ips = "127.0.0.1"
accesslog = None
errorlog = "-"

# Nobody steers it at run time; a supervisor starts and stops it.
control_socket_disable = True
