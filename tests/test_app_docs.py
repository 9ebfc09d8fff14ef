"""The documents are held to the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from app.settings import PACKAGED, Settings
from kb.schema import KEYS
from kb.tree import read_tree

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http", "kb:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_table_of_keys_is_the_schemas() -> None:
    table = (ROOT / "docs/articles.md").read_text(encoding="utf-8").split("<!-- keys -->")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(KEYS)


def test_the_readme_names_the_true_number_of_articles() -> None:
    articles = read_tree(PACKAGED).articles
    counted = Counter(a.locale for a in articles)
    for page in ("README.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"{counted['en']} articles" in text
        assert all(f"{counted[locale]} of them" in text for locale in ("fr", "es", "ar", "zh"))


def test_the_langchain_example_runs(
    shipped: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLBOARD_DATA_DIR", str(shipped.data_dir))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = readme.split("<!-- langchain -->\n```python\n")[1].split("```")[0]
    exec(compile(code, "README.md", "exec"), {})
    assert "/help/en/security/hacked" in capsys.readouterr().out


def test_the_command_lines_of_the_readme_exist() -> None:
    from typer.main import get_command

    from app.cli import cli

    known = get_command(cli)
    for line in re.findall(r"^    callboard (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        command = known
        for word in line.split("#")[0].split():
            if word not in getattr(command, "commands", {}):
                break
            command = command.commands[word]
        assert not hasattr(command, "commands"), line


def test_no_document_names_a_machine_or_a_registry() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/root/|/work/|/home/|pypi\.org|files\.pythonhosted|registry\.npmjs", text), page
