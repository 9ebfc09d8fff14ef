"""Finds the passages that answer a question. Knows articles (`kb`), not conversations, tickets or replies."""
