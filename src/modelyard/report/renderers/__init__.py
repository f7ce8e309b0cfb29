"""Renderers of a report document: Markdown, HTML, terminal."""
