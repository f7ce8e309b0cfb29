"""The front door: arguments or MODELYARD_* variables in, exit code out."""
