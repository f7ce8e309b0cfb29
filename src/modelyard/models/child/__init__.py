"""Code that runs in other processes and environments, without modelyard: it imports nothing of this project."""
