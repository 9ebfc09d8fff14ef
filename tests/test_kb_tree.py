"""A folder of articles in, articles and one report of problems out; the same report stops a publish."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from app.cli import cli
from app.library import open_library
from app.publish import CheckFailed, publish_tree
from kb.article import Article
from kb.revision import list_revisions, live_revision, load_articles
from kb.tree import Tree, is_locale, read_tree
from tests.conftest import WordEmbedder, article

Write = Callable[[dict[str, str | bytes]], Path]
GOOD = article("Good", "All is well.\n\n## Steps {#steps}\n\nOne.")


def run(tmp_path: Path, root: Path, *args: str) -> Result:
    env = {"CALLBOARD_DATA_DIR": str(tmp_path / "var"), "CALLBOARD_ARTICLES_DIR": str(root)}
    return CliRunner().invoke(cli, args, env=env)


def report(found: Tree, level: str = "error") -> list[str]:
    return [f"{p.file}:{p.line}:{p.col} {p.code}" for p in found.problems if p.level == level]


def by_id(found: Tree) -> dict[str, Article]:
    return {a.id: a for a in found.articles}


BAD: dict[str, str | bytes] = {
    "en/account/anchor.md": article("Anchor", "See\n[it](kb:account/good#nowhere)."),
    "en/account/broken.md": "---\ntitle: é".encode() + b"\xff\n---\nx\n",
    "en/account/dead.md": article("Dead", "One\ntwo [it](kb:account/gone) three."),
    "en/account/empty.md": b"",
    "en/account/good.md": GOOD,
    "en/account/huge.md": b"x" * 10_000_000,
    "en/account/nul.md": b"---\ntitle: T\n---\na\0\n",
    "en/account/open.md": "---\ntitle: T\n",
    "en/account/relative.md": article("Relative", "See [it](good.md)."),
    "en/account/twin.markdown": GOOD,
    "en/account/twin.md": GOOD,
    "en/account/twice.md": "---\ntitle: T\ntitle: U\n---\nx\n",
    "en/account/types.md": "---\ntitle: [T]\nquestions: one\n---\nx\n",
    "en/account/unknown.md": "---\ntitle: T\ntags: []\n---\nx\n",
    "en/account/yaml.md": "---\ntitle: T\nkeywords: [a\n---\nx\n",
    "en/account/Bad_Name.md": GOOD,
    "en/account/deeper/lost.md": GOOD,
    "en/account/redirect.md": article("R", "x", redirect_from="[account/good]"),
    "en/lost.md": GOOD,
}
EXPECTED = [
    "en/account/Bad_Name.md:1:1 A003",
    "en/account/anchor.md:6:1 A040",
    "en/account/broken.md:2:9 A011",
    "en/account/dead.md:6:1 A040",
    "en/account/deeper/lost.md:1:1 A002",
    "en/account/empty.md:1:1 A012",
    "en/account/huge.md:1:1 A010",
    "en/account/nul.md:4:2 A013",
    "en/account/open.md:1:1 A014",
    "en/account/redirect.md:1:1 A041",
    "en/account/relative.md:5:1 A040",
    "en/account/twice.md:3:1 A016",
    "en/account/twin.md:1:1 A004",
    "en/account/types.md:2:1 A021",
    "en/account/types.md:3:1 A021",
    "en/account/unknown.md:3:1 A020",
    "en/account/yaml.md:3:13 A017",
    "en/lost.md:1:1 A002",
]


def test_every_bad_file_stands_in_one_report(tree: Write) -> None:
    assert report(read_tree(tree(BAD))) == EXPECTED


def test_a_publish_of_bad_files_tells_all_and_changes_nothing(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    root = tree({"en/account/good.md": GOOD})
    before = publish_tree(engine, root, words, now=1.0)
    words.embedded.clear()
    with pytest.raises(CheckFailed) as failed:
        publish_tree(engine, tree(BAD), words, now=2.0)
    assert len(failed.value.problems) == len(EXPECTED)
    assert words.embedded == []
    with engine.connect() as conn:
        assert live_revision(conn) == before.revision
        assert len(list_revisions(conn)) == 1


@pytest.mark.parametrize("command", ["check", "publish"])
def test_the_command_line_prints_the_whole_report_and_exits_with_1(tree: Write, tmp_path: Path, command: str) -> None:
    done = run(tmp_path, tree(BAD), command)
    assert done.exit_code == 1
    printed = [" ".join(line.split()[:2]) for line in done.stderr.splitlines()]
    assert [line for line in printed if line in EXPECTED] == EXPECTED


def test_check_prints_the_report_as_json(tree: Write, tmp_path: Path) -> None:
    done = run(tmp_path, tree({"en/a/b.md": article("B", "x [y](kb:a/c)")}), "check", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["errors"] == [
        {"file": "en/a/b.md", "line": 5, "col": 1, "code": "A040", "message": "dead link: there is no article `a/c`"}
    ]
    assert found["articles"] == 1


def test_check_of_the_shipped_articles_passes(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["check", "--json"], env={"CALLBOARD_DATA_DIR": str(tmp_path)})
    found = json.loads(done.stdout)
    assert [e for e in found["errors"] if e["code"].startswith("A")] == []
    assert found["articles"] >= 50


def test_check_of_no_folder_exits_with_1(tmp_path: Path) -> None:
    done = run(tmp_path, tmp_path, "check", str(tmp_path / "gone"))
    assert done.exit_code == 1
    assert "A000" in done.stderr


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    [problem] = read_tree(tmp_path).problems
    assert (problem.code, problem.level) == ("A001", "error")
    with pytest.raises(FileNotFoundError):
        read_tree(tmp_path / "gone")


def test_drafts_alone_cannot_be_published(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    root = tree({"en/a/b.md": "---\ntitle: T\nstatus: draft\n---\nx\n"})
    with pytest.raises(CheckFailed) as failed:
        publish_tree(engine, root, words, now=1.0)
    assert failed.value.problems[0].code == "A006"


def test_only_what_is_published_and_due_goes_live(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    soon, past = "2026-11-22T09:00:00+01:00", 1795334400.0 - 1
    root = tree(
        {
            "en/a/now.md": article("Now", "x"),
            "en/a/draft.md": article("Draft", "x").replace("published", "draft"),
            "en/a/soon.md": article("Soon", "x", publish_at=soon),
            "en/a/ending.md": article("Ending", "x", expires_at=soon),
        }
    )
    for moment, ids in ((past, ["a/ending", "a/now"]), (past + 1, ["a/now", "a/soon"])):
        done = publish_tree(engine, root, words, now=moment)
        with engine.connect() as conn:
            assert [a.id for a in load_articles(conn, done.revision)] == ids


def test_links_to_articles_and_sections_that_exist_pass(tree: Write) -> None:
    body = "[a](kb:account/good) [b](kb:account/good#steps) [c](https://example.com) [d](mailto:a@example.com)"
    found = read_tree(tree({"en/account/good.md": GOOD, "en/account/links.md": article("Links", body)}))
    assert found.problems == ()


def test_a_translation_may_link_to_what_only_english_has(tree: Write) -> None:
    files = {"en/account/good.md": GOOD, "fr/account/bon.md": article("Bon", "[a](kb:account/good#steps)")}
    assert read_tree(tree({**files})).problems == ()
    files["fr/account/bon.md"] = article("Bon", "[a](kb:account/good#etapes)")
    assert report(read_tree(tree({**files}))) == ["fr/account/bon.md:5:1 A040"]


def test_a_link_to_a_file_that_cannot_be_read_is_not_called_dead(tree: Write) -> None:
    found = read_tree(tree({"en/a/b.md": article("B", "[c](kb:a/c#d)"), "en/a/c.md": b""}))
    assert report(found) == ["en/a/c.md:1:1 A012"]


def test_the_same_id_in_two_locales_is_one_article(tree: Write) -> None:
    found = read_tree(tree({"en/a/b.md": GOOD, "fr/a/b.md": GOOD, "zh-Hans/a/b.md": GOOD, "README.md": "# Not one"}))
    assert found.problems == ()
    assert [(a.id, a.locale) for a in found.articles] == [("a/b", "en"), ("a/b", "fr"), ("a/b", "zh-Hans")]


def test_symbolic_links_are_not_followed(tree: Write, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.md").write_text(GOOD)
    root = tree({"en/account/good.md": GOOD})
    (root / "en/account/key.md").symlink_to(secret / "key.md")
    (root / "en/linked").symlink_to(secret)
    assert [a.id for a in read_tree(root).articles] == ["account/good"]


def test_a_pipe_named_like_an_article_does_not_hang(tree: Write) -> None:
    root = tree({"en/account/good.md": GOOD})
    os.mkfifo(root / "en/account/pipe.md")
    assert [a.id for a in read_tree(root).articles] == ["account/good"]


def test_a_file_that_may_not_be_read_is_named(tree: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"en/account/good.md": GOOD, "en/account/shut.md": GOOD})
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        # Root may read everything, so the system is not asked.
        if path.name == "shut.md":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert report(read_tree(root)) == ["en/account/shut.md:1:1 A005"]


@pytest.mark.parametrize("name", [b"caf\xe9.md", b"two\nlines.md"])
def test_a_name_that_cannot_be_shown_is_a_problem_that_can(tree: Write, tmp_path: Path, name: bytes) -> None:
    root = tree({"en/account/good.md": GOOD})
    Path(os.fsdecode(os.fsencode(root / "en/account") + b"/" + name)).write_text(GOOD)
    [problem] = read_tree(root).errors
    assert problem.code == "A003"
    assert str(problem).isprintable()
    assert run(tmp_path, root, "check", "--json").exit_code == 1


def test_locale_folders_are_real_locales() -> None:
    assert [n for n in ("en", "fr", "zh-Hans", "pt-BR", "xx", "img", "e", "EN", "en_GB", "docs") if is_locale(n)] == [
        "en",
        "fr",
        "zh-Hans",
        "pt-BR",
    ]


FOREIGN: dict[str, str | bytes] = {
    "index.md": "# Welcome\n\nStart [here](Get%20Paid/Pay_Outs.md#when) or [there](./Get%20Paid/taxes).",
    "Get Paid/Pay_Outs.md": "---\ntitle: Payouts\nlayout: a\n---\nMoney.\n\n## When\n\nOn Fridays. [Taxes](taxes.md)",
    "Get Paid/taxes.md": "<div>hi</div>\n\nTaxes are due. [Up](../index.md) [out](../../etc/passwd) ![i](img/x.png)",
    "fr/Aide.md": "---\nlang: fr\n---\n# Aide\n\nBonjour. [x](/help/article/pay-outs)",
    "fr/Aide.markdown": "# Autre\n\nTexte.",
}


def test_a_foreign_tree_loads_with_warnings(tree: Write) -> None:
    found = read_tree(tree(FOREIGN))
    assert found.errors == []
    articles = by_id(found)
    assert {(a.id, a.locale, a.title) for a in found.articles} == {
        ("general/index", "en", "Welcome"),
        ("get-paid/pay-outs", "en", "Payouts"),
        ("get-paid/taxes", "en", "Taxes"),
        ("fr/aide", "fr", "Aide"),
        ("fr/aide", "en", "Autre"),
    }
    assert articles["general/index"].sections[0].blocks[0].markdown == (
        "Start [here](<kb:get-paid/pay-outs#when>) or [there](<kb:get-paid/taxes>)."
    )
    assert "[Taxes](<kb:get-paid/taxes>)" in articles["get-paid/pay-outs"].sections[1].blocks[0].markdown
    assert articles["get-paid/taxes"].sections[0].blocks[0].markdown == ("Taxes are due. [Up](<kb:general/index>) out")
    assert report(found, "warning") == [
        "Get Paid/Pay_Outs.md:3:1 A020",
        "Get Paid/taxes.md:1:1 A025",
        "Get Paid/taxes.md:3:1 A040",
        "fr/Aide.md:2:1 A020",
    ]


def test_foreign_files_of_one_name_get_ids_of_their_own(tree: Write) -> None:
    found = read_tree(tree({"A b/x.md": "# One\n\na", "a-b/x.md": "# Two\n\nb", "a_b/x.md": "# Three\n\nc"}))
    assert {a.id: a.title for a in found.articles} == {"a-b/x": "One", "a-b/x-2": "Two", "a-b/x-3": "Three"}
    assert [p.code for p in found.problems] == ["A004", "A004"]
    assert found.errors == []


def test_a_foreign_tree_publishes_and_is_found(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    done = publish_tree(engine, tree(FOREIGN), words, now=1.0)
    with engine.connect() as conn:
        library = open_library(conn, done.revision, words)
    assert library.index.search("when is the money paid, on fridays").articles[0].article == "get-paid/pay-outs"


@pytest.mark.parametrize(("name", "least"), [("gumroad", 100), ("arduino", 400)])
def test_public_help_centers_read_without_error(public_data: Path, name: str, least: int) -> None:
    root = public_data / "articles" / name
    found = read_tree(root)
    assert found.errors == []
    assert len(found.articles) >= least
    assert len({(a.id, a.locale) for a in found.articles}) == len(found.articles)
    assert {a.locale for a in found.articles} == {"en"}
    linked = [b.markdown for a in found.articles for s in a.sections for b in s.blocks if "](<kb:" in b.markdown]
    assert len(linked) > least / 10
    ids = {a.id for a in found.articles}
    targets = {part.split(">")[0].partition("#")[0] for m in linked for part in m.split("](<kb:")[1:]}
    assert targets <= ids
