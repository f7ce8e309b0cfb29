"""Data sets: found, fingerprinted, read, split and profiled."""
