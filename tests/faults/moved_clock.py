"""A management command of the product whose clock is moved by FAULT_CLOCK_SECONDS: waiting out an hour in no time."""

import importlib
import os
import sys
from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    moved = datetime.now(UTC) + timedelta(seconds=float(os.environ["FAULT_CLOCK_SECONDS"]))
    with time_machine.travel(moved, tick=True):
        if os.environ.get("FAULT_WITHOUT"):
            importlib.import_module("tests.faults.unprotected")
        execute_from_command_line(["manage.py", *sys.argv[1:]])
