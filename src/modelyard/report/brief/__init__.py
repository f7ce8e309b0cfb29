"""The sections of a comment: what a reviewer acts on, the rest folded; pages have sections of their own."""
