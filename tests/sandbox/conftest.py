"""One sandbox process for all tests of this folder, as new for each test, and a product that only listens."""

from collections.abc import Iterator

import pytest

from tests.sandbox.app import App
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="session")
def sandbox_process(listening: Listener) -> Iterator[SandboxProcess]:
    with SandboxProcess(listening.url) as process:
        yield process


@pytest.fixture
def product(listening: Listener) -> Listener:
    """Stands where the product would be; answers 202 unless told otherwise."""
    listening.forget()
    return listening


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.control("reset", announce=False)
    return sandbox_process


@pytest.fixture
def app(sandbox: SandboxProcess) -> App:
    """The app's side of Sentry, its installation's code exchanged and verified."""
    return App(sandbox)
