"""The only place that knows GitHub: its environment, its events, its REST interface, its comments and log commands."""
