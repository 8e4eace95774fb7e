"""The fault suite: real processes, databases and brokers are broken under load, and nothing may be lost.

`make faults` runs everything; `python -m tests.faults --help` tells how to run a part. See docs/reliability.md.
"""
