"""Choose and compute the interval of a level or a contrast on test rows."""
