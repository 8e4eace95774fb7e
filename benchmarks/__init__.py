"""The benchmark suite: the product beside its floor and its peers, measured in turns within one run."""
