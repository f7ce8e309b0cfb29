"""The only place that writes, reads or scores a model."""
