"""Words that several floors share: file kinds, and the names of what the gates judge."""

DATA_SUFFIXES = (".parquet", ".csv.gz", ".csv", ".tsv")
"""Endings of the files that a data set may consist of."""
