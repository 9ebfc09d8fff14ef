"""Reads the secret that conversations' tokens are derived from, making it at the first start."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from app.settings import Settings


def read_secret(settings: Settings) -> bytes:
    """CALLBOARD_SECRET, which replicas share, or DATA_DIR/secret, readable by its owner only."""
    if settings.secret:
        return settings.secret.encode()
    path = Path(settings.data_dir) / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        # Written aside and linked, so that a crash cannot leave an empty secret and two starts agree on one.
        fresh = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()
