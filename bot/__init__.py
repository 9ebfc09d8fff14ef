"""Asks, decides and answers. Knows articles, search and handoff; not who is signed in, nor how it is judged."""
