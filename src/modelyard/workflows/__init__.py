"""Workflows of GitHub Actions as data: read with lines, and edited without losing a comment."""
