"""What modelyard can do, without a command line: each module is one use case, with data in and typed results out."""
