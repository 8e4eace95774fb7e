"""The short form of the fault suite, on the database of this test run; `make faults` is the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.servers import newest_programs

ROOT = Path(__file__).parent.parent.parent
DATABASE = "sqlite" if "sqlite" in settings.DATABASES["default"]["ENGINE"] else "postgres"


def is_able() -> bool:
    """Whether servers of the suite's own can be started here."""
    try:
        return os.geteuid() == 0 and bool(newest_programs())
    except RuntimeError:
        return False


@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.environ.get("CI") and not is_able(), reason="needs root and PostgreSQL's programs")
def test_nothing_is_lost_and_nothing_sent_twice_whatever_breaks():
    command = [sys.executable, "-m", "tests.faults", "--short", "--database", DATABASE]

    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"FAULTS_SLACK": "4"}, capture_output=True, text=True
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-20_000:]}"
