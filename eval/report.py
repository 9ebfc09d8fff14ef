"""Writes a run as one HTML file that needs nothing else; reads the run's folder only."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, PackageLoader

TEMPLATE = "report.html"


def write_report(folder: Path) -> Path:
    """report.html beside the run's other files. FileNotFoundError if `folder` is no run."""
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    lines = (folder / "samples.jsonl").read_text(encoding="utf-8").split("\n")
    samples = [json.loads(line) for line in lines if line]
    # Everything shown was written by someone else: escape it all.
    template = Environment(loader=PackageLoader("eval"), autoescape=True).get_template(TEMPLATE)
    page = template.render(
        about=about,
        headline=[m for m in metrics if not m["slice"]],
        slices=[m for m in metrics if m["slice"] and m["name"] == "answer accuracy"],
        wrong=[s for s in samples if not s["verdict"]["right"]],
        right=[s for s in samples if s["verdict"]["right"]],
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path
