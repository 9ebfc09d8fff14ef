"""Cuts text into search terms, by language; knows letters and stems, not documents."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

STEMMERS = {
    "en": "english",
    "fr": "french",
    "es": "spanish",
    "ar": "arabic",
    "de": "german",
    "pt": "portuguese",
}
# A run of Chinese or kana is its own word, also where it follows Latin letters without a space (TikTok账号).
WORD = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]+|(?:(?![\u3400-\u9fff\u3040-\u30ff])[^\W_])+(?:['’][^\W_]+)?")
CJK = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")
# Decomposing has already taken hamza and madda off alef, waw and ya; these are spelled either way by writers.
ARABIC = {ord(a): b for a, b in zip("ىةیکـ", ("ي", "ه", "ي", "ك", ""), strict=True)} | {
    first + n: str(n) for first in (0x0660, 0x06F0) for n in range(10)
}
_lock = threading.Lock()
_stemmers = {code: snowballstemmer.stemmer(name) for code, name in STEMMERS.items()}

# Words that say nothing of the subject. Kept in the index (BM25 gives them little weight), left out where
# the share of a question's words that a passage holds is counted.
STOP = frozenset(
    """a an and are as at be been but by can could did do does doing for from get got had has have how i if in is it
    its just me my no not of off on or our out please so some that the their them then there they this to up us was we
    were what when where which who why will with would you your im ive dont cant doesnt isnt wont didnt any about into
    more than too very really also because still after before only am he she his her hi hey hello thanks thank like
    want need tell know help anyone someone something thing things way let lets go going gonna u ur pls plz""".split()
)


def terms(text: str, locale: str) -> list[str]:
    """Search terms in order: stems for languages with a stemmer, characters and overlapping pairs for Chinese."""
    language = locale.split("-")[0]
    found: list[str] = []
    for word in WORD.findall(fold(text)):
        if CJK.match(word):
            found += [*word, *(word[i : i + 2] for i in range(len(word) - 1))]
        else:
            found.append(_stem(word.replace("’", "'").removesuffix("'s"), language))
    return found


def content_terms(text: str, locale: str) -> list[str]:
    """`terms` without the words that say nothing of the subject."""
    language = locale.split("-")[0]
    plain = [word.replace("’", "").replace("'", "") for word in WORD.findall(fold(text))]
    kept = [word for word in plain if CJK.match(word) or word not in STOP]
    return [term for word in kept for term in terms(word, language)]


def fold(text: str) -> str:
    """Lower case, without accents, vowel marks, and letters that are written in more than one way."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain.translate(ARABIC))


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmers.get(language)
    if stemmer is None:
        return word
    with _lock:  # a stemmer holds the word it is at work on
        return str(stemmer.stemWord(word))
