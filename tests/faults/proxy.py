"""A TCP proxy that can refuse, drop or hang what goes through it."""

import contextlib
import selectors
import socket
import threading


class Proxy:
    """Listens on `port` in front of `target`; one thread, as many connections as come."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.hangs = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.port = 0
        self.allow()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def allow(self) -> None:
        """Listen, and let everything through."""
        self.hangs.clear()
        with self._lock:
            if self._listener is None:
                listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
                self.port = listener.getsockname()[1]
                self._selector.register(listener, selectors.EVENT_READ)
                self._listener = listener

    def refuse(self) -> None:
        """Break every connection and accept no more: as a server that was stopped."""
        with self._lock:
            if self._listener is not None:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
        self.drop()

    def drop(self) -> None:
        """Break every connection."""
        with self._lock:
            for end in list(self._pairs):
                self._close(end)

    def hang(self) -> None:
        """Accept, and pass nothing on: as a server that is stuck."""
        self.hangs.set()

    def close(self) -> None:
        """End everything."""
        self._stop.set()
        self._thread.join(5)
        self.refuse()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.hangs.is_set():
                self._stop.wait(0.05)
                continue
            try:
                ready = self._selector.select(timeout=0.1)
            except OSError:
                continue
            with self._lock:
                for key, _ in ready:
                    self._accept() if key.fileobj is self._listener else self._pass_on(key.fileobj)  # type: ignore[arg-type]  # only sockets are registered

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            server = socket.create_connection(self.target, timeout=5)
            self._pairs[client], self._pairs[server] = server, client
            for end in (client, server):
                end.settimeout(5)
                self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        if end not in self._pairs:
            return
        try:
            data = end.recv(65_536)
            if data:
                self._pairs[end].sendall(data)
                return
        except OSError:
            pass
        self._close(end)

    def _close(self, end: socket.socket) -> None:
        other = self._pairs.pop(end, None)
        for one in (end, other):
            if one is None:
                continue
            self._pairs.pop(one, None)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(one)
            one.close()
