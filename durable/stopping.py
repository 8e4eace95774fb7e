"""One flag for the process: set on SIGTERM, asked by every drain before it claims more."""

import threading

stopping = threading.Event()
