"""One module per step: its record in, its sections of the document out."""
