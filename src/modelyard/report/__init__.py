"""Records in, a report out: Markdown for a comment, HTML for whoever wants to see all of it. Nothing else is read."""
