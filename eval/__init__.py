"""Asks the bot and judges what it says. Knows every room below the wiring; nothing imports it but `app`."""
