"""Reads the policy files: queues and service targets. Knows their shape, not the tickets they are applied to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml

Priority = Literal["urgent", "high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
SHIPPED = Path(__file__).parent / "policies"
Shaped = TypeVar("Shaped")


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
    steps: dict[str, str]

    def queue_for(self, wanted: str | None, category: str | None) -> str:
        """The safety category's queue, else the one an article asks for, else the default."""
        if category in self.safety:
            return self.safety[category]
        return wanted if wanted in self.queues else self.default


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names the file and what to mend."""


def read_policies(folder: Path = SHIPPED) -> Policies:
    queues, default, safety, steps = _read(folder / "queues.yaml", _queues)
    targets = _read(folder / "sla.yaml", _targets)
    return Policies(queues, default, safety, targets, steps)


def _read(path: Path, shape: Callable[[dict[str, Any]], Shaped]) -> Shaped:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("must hold `key: value` lines")
        return shape(data)
    except KeyError as error:
        raise PolicyError(f"{path}: the entry {error} is missing") from error
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise PolicyError(f"{path}: {' '.join(str(error).split())}") from error


def _queues(data: dict[str, Any]) -> tuple[dict[str, Queue], str, dict[str, str], dict[str, str]]:
    queues = {str(name): Queue(str(name), **row) for name, row in data["queues"].items()}
    default, safety = data["default"], dict(data["safety"])
    unknown = {str(name) for name in (default, *safety.values())} - queues.keys()
    if unknown:
        raise ValueError(f"no such queue: {', '.join(sorted(unknown))}")
    return queues, default, safety, dict(data.get("steps") or {})


def _targets(data: dict[str, Any]) -> dict[Priority, Target]:
    targets = {priority: Target(**data[priority]) for priority in PRIORITIES}
    for priority, target in targets.items():
        for name, minutes in asdict(target).items():
            if type(minutes) is not int or minutes < 1:
                raise ValueError(f"{priority}: {name} must be a whole number of minutes, not {minutes!r}")
    return targets
