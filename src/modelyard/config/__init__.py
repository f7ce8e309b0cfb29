"""modelyard.yml: its models, its loader, what can be checked without data, and the proposal of a first one."""
