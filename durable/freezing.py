"""What a process does once it is up and means to stay."""

import gc


def freeze_what_is_loaded() -> None:
    """Tell the collector that all there is now stays until the end, and need not be looked through again.

    A full collection looks at every object that imports have left, 120,000 of them: 50 ms in which nothing else runs.
    """
    gc.collect()
    gc.freeze()
