"""Publishing, rolling back and comparing revisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner, Result

from app.cli import cli
from app.database import open_database
from app.library import open_library
from app.publish import CheckFailed, Published, publish_tree, roll_back
from kb.revision import diff_revisions, find_revision, list_revisions, live_revision, load_articles
from kb.tables import articles, publications
from kb.tree import read_tree
from tests.conftest import WordEmbedder, article

Write = Callable[[dict[str, str | bytes]], Path]
FIRST: dict[str, str | bytes] = {
    "en/account/name.md": article("Change your name", "Tap it.\n\n## Limits\n\nOnce in 30 days.", "how do i rename"),
    "en/account/photo.md": article("Change your photo", "Tap the photo.\n\n## Size\n\nAt least 20 by 20."),
    "en/payouts/when.md": article("When you are paid", "On Fridays.\n\n## Holidays\n\nA day later."),
}
SECOND = FIRST | {"en/payouts/when.md": article("When you are paid", "On Mondays.\n\n## Holidays\n\nA day later.")}


@pytest.fixture
def publish(tree: Write, engine: Engine, words: WordEmbedder) -> Callable[..., Published]:
    def run(files: dict[str, str | bytes], now: float = 1.0, **options: bool) -> Published:
        return publish_tree(engine, tree(files), words, now, **options)

    return run


def live(engine: Engine) -> str | None:
    with engine.connect() as conn:
        return live_revision(conn)


def count(engine: Engine, table: object) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def test_what_was_published_is_read_back_unchanged(
    publish: Callable[..., Published], tree: Write, engine: Engine
) -> None:
    done = publish(FIRST)
    with engine.connect() as conn:
        assert load_articles(conn, done.revision) == list(read_tree(tree(FIRST)).articles)
    assert (done.articles, done.passages, done.embedded, done.reused) == (3, done.passages, done.passages, 0)


def test_the_same_articles_are_the_same_revision(
    publish: Callable[..., Published], engine: Engine, words: WordEmbedder
) -> None:
    first = publish(FIRST, 1.0)
    words.embedded.clear()
    again = publish(FIRST, 2.0)
    assert again.revision == first.revision
    assert (again.embedded, again.reused) == (0, first.passages)
    assert words.embedded == []
    assert count(engine, publications) == 1


def test_another_database_gives_the_same_revision(
    publish: Callable[..., Published], tree: Write, tmp_path: Path, words: WordEmbedder
) -> None:
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    assert publish_tree(other, tree(FIRST), words, now=9.0).revision == publish(FIRST).revision
    other.dispose()


def test_a_changed_article_embeds_its_changed_passages_alone(
    publish: Callable[..., Published], engine: Engine, words: WordEmbedder
) -> None:
    first = publish(FIRST, 1.0)
    words.embedded.clear()
    second = publish(SECOND, 2.0)
    assert words.embedded == ["When you are paid\nOn Mondays."]
    assert (second.embedded, second.reused) == (1, first.passages - 1)
    assert count(engine, articles) == 4, "unchanged articles are shared between revisions"


def test_a_publish_moves_the_pointer_and_keeps_the_old_revision(
    publish: Callable[..., Published], engine: Engine
) -> None:
    first, second = publish(FIRST, 1.0), publish(SECOND, 2.0)
    assert live(engine) == second.revision != first.revision
    with engine.connect() as conn:
        assert [(r.id, r.created, r.live) for r in list_revisions(conn)] == [
            (second.revision, 2.0, True),
            (first.revision, 1.0, False),
        ]
        assert "On Fridays." in [a.sections[0].text for a in load_articles(conn, first.revision)]


def test_a_dry_run_changes_and_embeds_nothing(
    publish: Callable[..., Published], engine: Engine, words: WordEmbedder
) -> None:
    first = publish(FIRST)
    words.embedded.clear()
    planned = publish(SECOND, dry_run=True)
    assert planned.revision not in ("", first.revision)
    assert live(engine) == first.revision
    assert words.embedded == []
    assert count(engine, articles) == 3
    assert publish(SECOND).revision == planned.revision


def test_a_failed_publish_leaves_the_old_revision_live(publish: Callable[..., Published], engine: Engine) -> None:
    first = publish(FIRST)
    with pytest.raises(CheckFailed):
        publish(FIRST | {"en/account/bad.md": "---\n"})
    assert live(engine) == first.revision
    assert count(engine, articles) == 3


def many(n: int) -> dict[str, str | bytes]:
    return {f"en/bulk/a{i}.md": article(f"Article number {i}", f"Text of the article {i}.") for i in range(n)}


class Killed(BaseException):
    """The process ends here."""


def test_killed_between_embedding_and_flip_the_old_revision_serves_and_the_work_is_kept(
    tree: Write, engine: Engine, words: WordEmbedder
) -> None:
    first = publish_tree(engine, tree(FIRST), words, now=1.0)
    root = tree(many(50))
    words.embedded.clear()

    def kill(at: int) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            if done >= min(at, total):
                raise Killed

        return progress

    with pytest.raises(Killed):
        publish_tree(engine, root, words, now=2.0, progress=kill(64))
    assert live(engine) == first.revision
    assert len(words.embedded) == 64, "the first batch was embedded"
    with pytest.raises(Killed):
        publish_tree(engine, root, words, now=3.0, progress=kill(10_000))
    assert live(engine) == first.revision
    with engine.connect() as conn:
        library = open_library(conn, first.revision, WordEmbedder())
    assert library.index.search("paid on fridays").articles[0].article == "payouts/when"
    done = publish_tree(engine, root, words, now=4.0)
    assert live(engine) == done.revision
    assert len(words.embedded) == len(set(words.embedded)) == 100, "nothing was embedded twice"
    assert (done.embedded, done.reused) == (0, 100 + first.passages)


def test_rolling_back_moves_the_pointer_and_embeds_nothing(
    publish: Callable[..., Published], engine: Engine, words: WordEmbedder
) -> None:
    first, second = publish(FIRST, 1.0), publish(SECOND, 2.0)
    words.embedded.clear()
    assert roll_back(engine, first.revision[:6], words, now=3.0) == first.revision == live(engine)
    assert words.embedded == []
    with engine.connect() as conn:
        rows = conn.execute(select(publications.c.revision, publications.c.action).order_by(publications.c.seq))
        assert [tuple(r) for r in rows] == [
            (first.revision, "publish"),
            (second.revision, "publish"),
            (first.revision, "rollback"),
        ]
    publish(SECOND, 4.0)
    assert live(engine) == second.revision, "what was rolled back can be published again"


def test_rolling_back_with_another_model_embeds_for_it_first(publish: Callable[..., Published], engine: Engine) -> None:
    first = publish(FIRST, 1.0)
    publish(SECOND, 2.0)
    other = WordEmbedder()
    other.name = "other"
    roll_back(engine, first.revision, other, now=3.0)
    assert len(other.embedded) == first.passages
    with engine.connect() as conn:
        open_library(conn, first.revision, other)


def test_a_diff_names_what_was_added_removed_and_changed(
    publish: Callable[..., Published], tree: Write, engine: Engine
) -> None:
    before = publish(FIRST, 1.0)
    files = {k: v for k, v in SECOND.items() if not k.endswith("photo.md")}
    files["fr/account/name.md"] = article("Changer de nom", "Touchez.")
    (tree({}) / "en/account/photo.md").unlink()
    after = publish(files, 2.0)
    with engine.connect() as conn:
        found = [(c.what, c.locale, c.id, c.title) for c in diff_revisions(conn, before.revision, after.revision)]
        assert diff_revisions(conn, after.revision, after.revision) == []
    assert found == [
        ("removed", "en", "account/photo", "Change your photo"),
        ("changed", "en", "payouts/when", "When you are paid"),
        ("added", "fr", "account/name", "Changer de nom"),
    ]


def test_a_revision_is_found_by_the_start_of_its_id(publish: Callable[..., Published], engine: Engine) -> None:
    with engine.connect() as conn, pytest.raises(LookupError, match="nothing is published"):
        find_revision(conn, "live")
    ids = {publish(FIRST | {"en/a/b.md": article(f"T{n}", "x")}, float(n)).revision for n in range(20)}
    some = next(iter(ids))
    with engine.connect() as conn:
        assert find_revision(conn, some) == some
        assert find_revision(conn, "live") in ids
        for wrong in ("", "%", "_" * 16, "zzzz"):
            with pytest.raises(LookupError, match="there is no revision"):
                find_revision(conn, wrong)
        shared = next(a[0] for a in ids if sum(b[0] == a[0] for b in ids) > 1)
        with pytest.raises(LookupError, match="fits"):
            find_revision(conn, shared)


def callboard(tmp_path: Path, *args: str) -> Result:
    return CliRunner().invoke(
        cli, args, env={"CALLBOARD_DATA_DIR": str(tmp_path), "CALLBOARD_ARTICLES_DIR": str(tmp_path / "articles")}
    )


def test_the_command_line_publishes_lists_compares_and_rolls_back(tree: Write, tmp_path: Path) -> None:
    tree(FIRST)
    first = json.loads(callboard(tmp_path, "publish", "--json").stdout)
    tree(SECOND)
    second = json.loads(callboard(tmp_path, "publish", "--json").stdout)
    assert set(first) == {"revision", "articles", "passages", "embedded", "reused", "seconds", "gate"}
    assert (second["articles"], second["embedded"], second["reused"]) == (3, 1, first["passages"] - 1)
    listed = json.loads(callboard(tmp_path, "revisions", "--json").stdout)
    assert [(r["revision"], r["live"]) for r in listed] == [
        (second["revision"], True),
        (first["revision"], False),
    ]
    changes = json.loads(callboard(tmp_path, "diff", first["revision"], "live", "--json").stdout)
    assert [(c["what"], c["id"]) for c in changes] == [("changed", "payouts/when")]
    assert callboard(tmp_path, "rollback", first["revision"][:8]).exit_code == 0
    assert "* " + first["revision"] in callboard(tmp_path, "revisions").stdout
    assert callboard(tmp_path, "rollback", "nosuch").exit_code == 2
    tree({"en/account/name.md": b""})
    failed = callboard(tmp_path, "publish", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["errors"][0]["code"] == "A012"
    assert "* " + first["revision"] in callboard(tmp_path, "revisions").stdout
