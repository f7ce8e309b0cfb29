"""Where versions, aliases and their history live; models are carried as bytes and never loaded."""
