"""Where models err: what the report's figures show, as counts and rates of many rows."""
