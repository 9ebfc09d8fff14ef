from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest
import yaml

from bot.phrases import FOLDER, read_phrases
from bot.screen import EXTRAS, LEXICONS, ORDER, SEVERITIES
from tests.bots import LANGUAGES

BOOK = read_phrases("Stagedoor")
ENGLISH = BOOK["en"].data


def sayings(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted key, phrase) of everything that is said; `intents` are listened for."""
    for key, value in data.items():
        if key == "intents":
            continue
        if isinstance(value, dict):
            yield from sayings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def placeholders(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


def named_by_lexicons() -> set[tuple[str, str]]:
    found = set()
    for file in LEXICONS.glob("*.yaml"):
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        found |= {(category, severity) for category in ORDER for severity in data.get(category, {})}
    return found


def test_every_language_has_phrases_and_a_lexicon() -> None:
    assert set(BOOK.locales) == {file.stem for file in FOLDER.glob("*.yaml")} == set(LANGUAGES)
    assert {file.stem for file in LEXICONS.glob("*.yaml")} == set(LANGUAGES)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_language_says_the_same_things_with_the_same_placeholders(locale: str) -> None:
    english, other = dict(sayings(ENGLISH)), dict(sayings(BOOK[locale].data))
    assert set(other) == set(english)
    assert {key: placeholders(p) for key, p in other.items()} == {key: placeholders(p) for key, p in english.items()}
    assert all(phrase.strip() for phrase in other.values())
    assert set(BOOK[locale].data["intents"]) == set(ENGLISH["intents"])


@pytest.mark.parametrize("locale", set(LANGUAGES) - {"en"})
def test_no_language_but_english_speaks_english(locale: str) -> None:
    english, other = dict(sayings(ENGLISH)), dict(sayings(BOOK[locale].data))
    same = {key for key in english if english[key] == other[key] and len(english[key]) > 12}
    assert same == set()


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_danger_that_a_lexicon_names_has_its_words(locale: str) -> None:
    named = named_by_lexicons()
    assert {category for category, _ in named} == set(ORDER)
    assert {severity for _, severity in named} <= set(SEVERITIES)
    for category, severity in named | {(category, "P3") for category in ORDER} | {("self_harm", "P1")}:
        assert BOOK[locale].say(f"safety.{category}.{severity}")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_lexicon_reads_for_every_danger(locale: str) -> None:
    data = yaml.safe_load((LEXICONS / f"{locale}.yaml").read_text(encoding="utf-8"))
    assert {*ORDER, "idioms", "rules", "negations"} <= set(data) <= {*ORDER, *EXTRAS}
    assert {(c, s) for c in ORDER for s in data[c]} >= {("self_harm", "P0"), ("child_safety", "P0"), ("violence", "P0")}


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_site_is_named_and_the_bot_says_that_it_is_an_ai(locale: str) -> None:
    greeting = BOOK[locale].say("greeting")
    assert "Stagedoor" in greeting
    assert any(name in greeting for name in ("AI", "IA", "ذكاء اصطناعي"))


def test_a_phrase_is_filled_or_the_lack_is_an_error() -> None:
    assert "17" in BOOK["en"].say("ticket_opened", number=17)
    with pytest.raises(KeyError):
        BOOK["en"].say("ticket_opened")
    with pytest.raises(KeyError):
        BOOK["en"].say("nothing.of.the.kind")


@pytest.mark.parametrize(
    ("asked", "spoken"), [("fr-CA", "fr"), ("zh-TW", "zh"), ("de", "en"), ("", "en"), ("ar", "ar")]
)
def test_a_region_speaks_its_language_and_an_unknown_one_english(asked: str, spoken: str) -> None:
    assert BOOK[asked].locale == spoken
