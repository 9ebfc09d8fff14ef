"""Wires the rooms together: settings, database, publishing, HTTP app and command line. Nobody imports it."""
