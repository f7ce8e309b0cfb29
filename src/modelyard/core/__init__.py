"""Ground floor: errors, verdicts, vocabulary, canonical JSON, files, processes, documents."""
