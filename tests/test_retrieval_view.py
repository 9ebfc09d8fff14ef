from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from bot.library import Library
from retrieval.embed import Vectors
from retrieval.index import Found, Index
from retrieval.student import Student, unit
from retrieval.tables import passages as stored
from retrieval.view import own_vectors
from tests.bots import Write, open_small
from tests.conftest import WordEmbedder, article

ENGLISH: dict[str, str | bytes] = {
    "en/money/paid.md": article(
        "When you are paid", "Payments arrive monthly.\n\n## Minimum\n\nFifty dollars.", "payday"
    ),
    "en/login/password.md": article("Reset your password", "Open Settings and choose Password.", "forgot password"),
    "en/live/gifts.md": article("Turn on gifts", "Gifts need a LIVE with viewers.", "gifts"),
}
FRENCH: dict[str, str | bytes] = {
    "fr/money/paid.md": article(
        "Quand tu es payé", "Les paiements arrivent chaque mois.\n\n## Minimum {#minimum}\n\nOui."
    ),
    "fr/login/password.md": article("Réinitialiser ton mot de passe", "Ouvre les Paramètres.", "mdp oublié"),
}
GLOSSARY = b"to_en:\n  fr: {cadeaux: gifts}\n"


class EnglishOnly(WordEmbedder):
    reads = frozenset({"en"})


def open_index(engine: Engine, tree: Write, files: dict[str, str | bytes]) -> Index:
    return open_small(engine, tree(files), EnglishOnly()).index


def order(found: Found) -> list[tuple[str, str, float]]:
    return [(r.locale, r.article, r.score) for r in found.articles]


def test_a_question_finds_the_article_in_its_own_language(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH)
    assert order(index.search("j'ai oublié mon mot de passe", "fr"))[0][:2] == ("fr", "login/password")
    assert order(index.search("les paiments du mois", "fr"))[0][:2] == ("fr", "money/paid")


def test_what_exists_in_english_only_is_found_by_the_glossarys_words(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH | {"glossary.yaml": GLOSSARY})
    found = index.search("activer les cadeaux", "fr")
    assert order(found)[0][:2] == ("en", "live/gifts")
    assert found.texts == {"fr": "activer les cadeaux", "en": "gifts"}
    assert index.search("activer", "fr").texts == {"fr": "activer", "en": ""}


def test_adding_a_language_changes_nothing_for_another(engine: Engine, tree: Write) -> None:
    asked = ["when am i paid", "password", "gifts minimum", "nothing of the kind", ""]
    alone = open_index(engine, tree, ENGLISH)
    before = [(order(alone.search(q)), alone.search(q).hits) for q in asked]
    both = open_index(engine, tree, FRENCH)
    assert [(order(both.search(q)), both.search(q).hits) for q in asked] == before


def test_translations_are_not_embedded_where_the_model_does_not_read_them(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH)
    mine = own_vectors(index.passages, EnglishOnly.reads)
    assert {p.locale for p in mine} == {"en"}
    assert own_vectors(index.passages, frozenset({"*"})) == list(index.passages)
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(stored)).scalar() == len(mine)


def test_an_article_without_an_original_keeps_its_own_vector(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH | {"fr/impots/tva.md": article("La TVA", "La TVA se déclare.")})
    assert {p.article for p in own_vectors(index.passages, EnglishOnly.reads) if p.locale == "fr"} == {"impots/tva"}
    assert order(index.search("déclarer la tva", "fr"))[0][:2] == ("fr", "impots/tva")


def test_a_section_of_a_translation_borrows_the_vector_of_the_same_section(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH)
    view = index.view("fr")
    place = {(p.locale, p.article, p.kind, p.anchor): n for n, p in enumerate(index.passages)}
    row = next(n for n, p in enumerate(view.passages) if p.anchor == "minimum")
    original = index.vectors[place["en", "money/paid", "section", "minimum"]]
    assert view.vectors[row] == pytest.approx(original, abs=1e-6)


def test_sections_are_ranked_by_what_was_asked_in_another_language(engine: Engine, tree: Write) -> None:
    index = open_index(engine, tree, ENGLISH | FRENCH)
    found = index.search("minimum ?", "fr")
    assert index.rank_sections("money/paid", "fr", found)[0] == "minimum"


def test_a_student_reads_words_like_those_it_was_taught() -> None:
    vectors: Vectors = np.eye(3, dtype=np.float32)
    student = Student(["mot de passe oublié", "argent du mois", "cadeaux en direct"], vectors)
    read = student.embed(["oublie mot pase", "l'argent", "les cadeaux", ""])
    assert [int(np.argmax(row)) for row in read[:3]] == [0, 1, 2]
    assert np.linalg.norm(read, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-5)
    assert unit(np.zeros((1, 3))).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("question", "locale", "right"),
    [
        ("mon compte a été piraté, que faire", "fr", "security/hacked"),
        ("cuándo me pagan las recompensas", "es", "payouts/schedule"),
        ("كيف أسترجع حسابي المخترق", "ar", "security/hacked"),
        ("怎么开通创作者奖励计划", "zh", "rewards/join"),
        # There is no translation of these.
        ("comment bloquer les commentaires méchants", "fr", "safety/comments"),
        ("límite de tiempo de pantalla para mi hijo", "es", "family/screen-time"),
    ],
)
def test_the_shipped_articles_are_found_in_five_languages(
    library: Library, question: str, locale: str, right: str
) -> None:
    found = library.index.search(question, locale, 60)
    assert right in [r.article for r in found.articles[:3]]
