"""Reads the bot's YAML files with the C parser where there is one; knows no file's meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# The lexicons are large: the pure Python parser takes a second and a half over them.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER))
