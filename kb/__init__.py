"""The Help Center: articles, their sections, and the revisions they are published in. Knows no other room."""
