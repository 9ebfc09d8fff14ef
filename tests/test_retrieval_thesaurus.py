from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.publish import CheckFailed
from kb.glossary import Glossary
from kb.revision import load_words
from retrieval.thesaurus import Thesaurus
from tests.bots import Write, open_small
from tests.conftest import article

WORDS = Thesaurus(
    Glossary(
        meant={
            "en": {"cash out": "withdraw", "handle": "username", "my @": "username", "clip": "video"},
            "fr": {"compte pirate": "compte piraté", "thunes": "argent"},
            "ar": {"فلوس": "المال", "اكونت": "الحساب"},
            "zh": {"提现": "提取收益", "被盗": "账号被盗"},
        }
    )
)


@pytest.mark.parametrize(
    ("question", "locale", "expanded"),
    [
        ("How do I cash  out?", "en", "How do I cash  out? (withdraw)"),
        ("CASH OUT to my handle", "en", "CASH OUT to my handle (withdraw, username)"),
        ("i want my @ back", "en", "i want my @ back (username)"),
        ("paperclip and handles", "en", "paperclip and handles"),
        ("write to @handle", "en", "write to @handle"),
        ("my username is my handle", "en", "my username is my handle"),
        ("mon compte piraté !", "fr", "mon compte piraté !"),
        ("MES THUNES", "fr-CA", "MES THUNES (argent)"),
        ("وين الفلوس حقتي", "ar", "وين الفلوس حقتي (المال)"),
        ("بفلوس", "ar", "بفلوس (المال)"),
        ("مفلوس", "ar", "مفلوس"),
        ("الأكونت راح", "ar", "الأكونت راح (الحساب)"),
        ("我怎么提现啊", "zh-Hant", "我怎么提现啊 (提取收益)"),
        ("wie zahle ich aus", "de", "wie zahle ich aus"),
        ("", "en", ""),
    ],
)
def test_the_articles_words_are_added_for_what_is_said_otherwise(question: str, locale: str, expanded: str) -> None:
    assert WORDS.expand(question, locale) == expanded


def test_a_question_finds_an_article_by_a_word_that_only_the_glossary_knows(tree: Write, engine: Engine) -> None:
    files: dict[str, str | bytes] = {
        "en/money/out.md": article("Withdraw earnings", "Open Balance and choose Withdraw."),
        "en/money/in.md": article("Buy coins", "Open Balance and choose Recharge."),
    }
    plain = open_small(engine, tree(files)).index.search("dosh", "en").articles[0]
    root = tree(files | {"glossary.yaml": "en:\n  withdraw: [dosh]\n"})
    library = open_small(engine, root)
    assert library.index.search("dosh", "en").articles[0].article == "money/out"
    assert library.index.search("dosh", "en").articles[0].evidence["coverage"] > plain.evidence["coverage"] == 0


def test_a_revision_keeps_the_glossary_it_was_published_with(tree: Write, engine: Engine) -> None:
    files: dict[str, str | bytes] = {"en/a/b.md": article("A", "Some text.")}
    one = open_small(engine, tree(files)).revision
    two = open_small(engine, tree(files | {"glossary.yaml": "en:\n  text: [words]\n"})).revision
    assert one != two
    with engine.connect() as conn:
        assert load_words(conn, one) == Glossary()
        assert load_words(conn, two).meant == {"en": {"words": "text"}}


def test_a_glossary_with_errors_publishes_nothing(tree: Write, engine: Engine) -> None:
    with pytest.raises(CheckFailed) as caught:
        open_small(engine, tree({"en/a/b.md": article("A", "Some text."), "glossary.yaml": "en: [x]\n"}))
    assert [str(p) for p in caught.value.problems] == ["glossary.yaml:1:5 G002 a mapping was expected here"]
