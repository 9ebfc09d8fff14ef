"""Says which language a message is in; knows scripts and an identifier, not what is answered."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

LATIN = ("en", "fr", "es")
LOCALES = (*LATIN, "ar", "zh")
ARABIC = re.compile(r"[\u0600-\u06ff]")
CJK = re.compile(r"[\u3400-\u9fff]")
LETTER = re.compile(r"[^\W\d_]")
SHORT = 12
MARGIN = 0.6


def identify_language(text: str, hint: str | None = None) -> str:
    """One of LOCALES. `hint` (the page's language) decides where the text says too little."""
    known = (hint or "").split("-")[0]
    fallback = known if known in LOCALES else "en"
    letters = LETTER.findall(text)
    if not letters:
        return fallback
    for locale, script in (("ar", ARABIC), ("zh", CJK)):
        if len(script.findall(text)) * 2 >= len(letters):
            return locale
    if len(text) < SHORT:
        return fallback if fallback in LATIN else "en"
    language, probability = _identifier().classify(text)
    if language == fallback or probability >= MARGIN:
        return str(language)
    return fallback if fallback in LATIN else "en"


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LATIN))
    return identifier
