"""One short file per step: what it takes, what it gives, and the wiring between the parts that do the work."""
