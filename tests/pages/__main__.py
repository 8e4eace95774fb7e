"""The cost of every page at two sizes: `DATABASE_URL=… python -m tests.pages [--sizes 1000 1000000] [--why]`.

The database must be one of its own: it is emptied after each size. Ends with 1 when a page's cost grew.
"""

import argparse
import os
import sys

import django


def main() -> int:
    """Print the table; 0 when no page's cost grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs=2, type=int, default=(1_000, 1_000_000))
    parser.add_argument(
        "--why", action="store_true", help="print the dearest statement of each page that grew"
    )
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from tests.pages.compare import compare, table  # the models need Django to be set up

    setup_test_environment()
    call_command("migrate", verbosity=0)
    pairs = compare(*asked.sizes)
    print(table(pairs, asked.sizes))
    grown = [pair for pair in pairs if pair.grew]
    for pair in grown:
        print(f"\nGREW: {pair.name}", *([pair.large.dearest] if asked.why else []), sep="\n  ")
    return bool(grown)


if __name__ == "__main__":
    sys.exit(main())
