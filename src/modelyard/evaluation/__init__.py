"""Judging: predictions in, gates and verdicts out; no model is loaded here."""
