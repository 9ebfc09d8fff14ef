"""Threads, tickets and what leaves for other systems. Knows articles at most by name; never searches, never answers."""
