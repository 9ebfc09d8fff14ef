"""Reads the secret that conversations' tokens are derived from, making it at the first start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.settings import Settings


def read_secret(settings: Settings) -> bytes:
    """CALLBOARD_SECRET, which replicas share, or DATA_DIR/secret, readable by its owner only."""
    if settings.secret:
        return settings.secret.encode()
    path = Path(settings.data_dir) / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_hex(32).encode())
    return path.read_bytes()
