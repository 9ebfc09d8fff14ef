"""The wheel holds what serving needs: it is built, installed elsewhere and asked."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WANTED = (
    "kb/articles/en/security/hacked.md",
    "kb/templates/article.html",
    "kb/static/help.css",
    "retrieval/shorthand.yaml",
    "handoff/policies/sla.yaml",
    "bot/widget/widget.js",
    "bot/widget/chat.html",
    "bot/lexicons/zh.yaml",
    "bot/prompts.yaml",
    "bot/glue.yaml",
    "bot/phrases/ar.yaml",
    "bot/confidence.json",
    "eval/suites/creators.jsonl",
    "eval/templates/report.html",
    "app/migrations/env.py",
    "app/migrations/script.py.mako",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in WANTED if name not in names]
    articles = {p.relative_to(ROOT).as_posix() for p in (ROOT / "kb/articles").rglob("*.md")}
    assert articles <= names


def test_the_installed_wheel_answers_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True, symlinks=True)
    python = home / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    # The dependencies are this environment's: downloading them again would prove nothing about the wheel.
    site = next((home / "lib").glob("python*/site-packages"))
    here = Path(pytest.__file__).parent.parent
    (site / "dependencies.pth").write_text(str(here) + "\n", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "CALLBOARD_DATA_DIR": str(tmp_path / "var")
    }
    command = [str(home / "bin" / "callboard"), "ask", "how often can i change my username", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert '"article": "account/username"' in done.stdout
    where = [str(python), "-c", "import bot.ask; print(bot.ask.__file__)"]
    assert str(site) in subprocess.run(where, capture_output=True, text=True, check=True, cwd=tmp_path, env=env).stdout
