"""How commands show the results of use cases: lines for a terminal, blocks of a page, data for --json."""
