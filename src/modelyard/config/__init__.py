"""modelyard.yml: its models, its loader, and which parts of it are the gate's rules."""
