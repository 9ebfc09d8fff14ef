"""Adds the articles' own words to a question that says them otherwise; knows words, not what is searched.

Appended rather than put in place: a wrong guess then costs little, and the question keeps its tone for the vectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from kb.glossary import Glossary
from retrieval.analyze import CJK, fold

NEVER = r"(?!)"
FOREIGN = ("ar", "zh")
LATIN = "([a-z][a-z0-9]+)"
# Arabic writes the article and short words together with what follows them.
PREFIX = {"ar": r"(?:[وفبلك]?ال|لل|[وفبلك])?"}


class Thesaurus:
    """`glossary` gives, for each language, what creators say and what the articles call it."""

    def __init__(self, glossary: Glossary | None = None) -> None:
        glossary = glossary or Glossary()
        self._meant = {
            locale: {fold(said): word for said, word in words.items()} for locale, words in glossary.meant.items()
        }
        self._english = {
            locale: {fold(said): word for said, word in words.items()} for locale, words in glossary.english.items()
        }

    def expand(self, question: str, locale: str) -> str:
        """`question`, and in brackets the terms that its words stand for and that it does not hold itself."""
        language = locale.split("-")[0]
        words = self._meant.get(language)
        if not words:
            return question
        folded = fold(question)
        said = (match[1] or match[2] for match in self._patterns[language].finditer(folded))
        found = dict.fromkeys(words[" ".join(words_said.split())] for words_said in said)
        added = [word for word in found if fold(word) not in folded]
        return f"{question} ({', '.join(added)})" if added else question

    def translate(self, question: str, locale: str) -> str:
        """The English words for those of the question's that the glossary knows, in their order, and with them whatever
        is written in Latin letters where the language is not."""
        words = self._english.get(locale)
        if not words:
            return ""
        folded = fold(question)
        found = []
        for match in self._dictionaries[locale].finditer(folded):
            said = match[1] or match[2]
            found.append(words[" ".join(said.split())] if said else match[3])
        return " ".join(word for word in found if word)

    @cached_property
    def _dictionaries(self) -> dict[str, re.Pattern[str]]:
        return {
            language: re.compile(
                f"{_pattern(words, language).pattern}|{LATIN if language in FOREIGN else f'({NEVER})'}"
            )
            for language, words in self._english.items()
        }

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {language: _pattern(words, language) for language, words in self._meant.items()}


def _pattern(words: Iterable[str], language: str) -> re.Pattern[str]:
    """Group 1: whole words, the longest first; group 2: Chinese, which has no spaces to tell a whole word by."""
    longest = sorted(words, key=len, reverse=True)
    spaced = "|".join(_flexible(word) for word in longest if not CJK.match(word))
    solid = "|".join(_flexible(word) for word in longest if CJK.match(word))
    whole = rf"(?<![\w@]){PREFIX.get(language, '')}({spaced or NEVER})(?!\w)"
    return re.compile(f"{whole}|({solid or NEVER})")


def _flexible(word: str) -> str:
    return r"\s+".join(re.escape(part) for part in word.split())
