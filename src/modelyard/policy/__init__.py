"""Which rules judge a run: in force, what a change alters in them, and their digest."""
