"""What would not work, or is unsafe, in a repository's workflows and configuration, each with its fix."""
