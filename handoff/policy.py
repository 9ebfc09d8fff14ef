"""Reads the policy files: queues and service targets. Knows their shape, not the tickets they are applied to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

Priority = Literal["urgent", "high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
SHIPPED = Path(__file__).parent / "policies"


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    title: str
    procedure: str


@dataclass(frozen=True, slots=True)
class Target:
    """Service targets in minutes."""

    first_reply: int
    next_reply: int
    resolution: int


@dataclass(frozen=True, slots=True)
class Policies:
    queues: dict[str, Queue]
    default: str
    safety: dict[str, str]
    targets: dict[Priority, Target]

    def queue_for(self, wanted: str | None, category: str | None) -> str:
        """The safety category's queue, else the one an article asks for, else the default."""
        if category in self.safety:
            return self.safety[category]
        return wanted if wanted in self.queues else self.default


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names the file and what to mend."""


def read_policies(folder: Path = SHIPPED) -> Policies:
    queues = _read(folder / "queues.yaml")
    targets = _read(folder / "sla.yaml")
    try:
        found = Policies(
            queues={name: Queue(name, **row) for name, row in queues["queues"].items()},
            default=queues["default"],
            safety=dict(queues["safety"]),
            targets={priority: Target(**targets[priority]) for priority in PRIORITIES},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{folder}: missing or unknown entry {error}") from error
    unknown = {found.default, *found.safety.values()} - found.queues.keys()
    if unknown:
        raise PolicyError(f"{folder / 'queues.yaml'}: no such queue: {', '.join(sorted(unknown))}")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise PolicyError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise PolicyError(f"{path}: must hold `key: value` lines")
    return data
