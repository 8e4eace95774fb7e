#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from durable.stopping import stop_on_signals


def main() -> None:
    """Run the command. A drain hears signals from here on: Django's own start takes a second."""
    if sys.argv[1:2] == ["drain"]:
        stop_on_signals()
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
