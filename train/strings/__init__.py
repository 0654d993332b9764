"""The reader of strings: what it learns from, the network, and its training."""
