from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language import LOCALES, identify_language
from tests.bots import LANGUAGES

SENTENCES = {
    "en": ("how do i change my username", "my video was removed and nobody tells me why"),
    "fr": ("comment changer mon nom sur mon compte", "ma vidéo a été supprimée et je ne sais pas pourquoi"),
    "es": ("cómo puedo cambiar mi nombre de usuario", "borraron mi vídeo y nadie me dice por qué"),
    "ar": ("كيف أغير اسم المستخدم", "حذف الفيديو الخاص بي ولا أعرف لماذا"),
    "zh": ("怎么修改我的用户名", "我的影片被刪除了，不知道為什麼"),
}


@pytest.mark.parametrize("page", [None, *LANGUAGES])
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_sentence_is_read_in_its_own_language_whatever_the_page_is_in(locale: str, page: str | None) -> None:
    for sentence in SENTENCES[locale]:
        assert identify_language(sentence, page) == locale


@pytest.mark.parametrize(
    ("text", "page", "locale"),
    [
        ("ok", "fr", "fr"),
        ("ok", "fr-CA", "fr"),
        ("hola", "es-MX", "es"),
        ("ok", None, "en"),
        ("ok", "de", "en"),
        ("你好", "en", "zh"),
        ("شكرا", "en", "ar"),
        ("ok", "ar", "en"),
    ],
)
def test_a_word_or_two_is_read_in_the_language_of_the_page_if_its_letters_allow(
    text: str, page: str | None, locale: str
) -> None:
    assert identify_language(text, page) == locale


@pytest.mark.parametrize("text", ["", "😀😀", "123", "?!"])
@pytest.mark.parametrize("page", LANGUAGES)
def test_without_letters_the_page_decides(text: str, page: str) -> None:
    assert identify_language(text, page) == page


def test_a_foreign_name_in_a_sentence_does_not_change_its_language() -> None:
    assert identify_language("كيف أغير اسم المستخدم على TikTok", "en") == "ar"
    assert identify_language("TikTok 怎么修改用户名", "en") == "zh"


@given(st.text(max_size=60), st.none() | st.text(max_size=5))
def test_any_text_is_in_one_of_our_languages(text: str, page: str | None) -> None:
    assert identify_language(text, page) in LOCALES
