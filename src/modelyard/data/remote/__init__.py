"""Data that is elsewhere: object stores, web servers and Hugging Face, each a store of objects behind one protocol."""
