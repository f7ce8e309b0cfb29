"""Registry in a local folder."""
