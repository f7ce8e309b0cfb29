"""Generate files from what steps and commands declare."""
