"""Intervals, paired tests, bootstrap, power: numbers in, numbers out; knows no file, model or framework."""
