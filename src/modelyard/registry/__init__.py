"""Where versions, aliases and their history live."""
