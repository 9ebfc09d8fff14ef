from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.glossary import Glossary, find_glossary, load_glossary, read_glossary
from kb.problem import Problem

SHIPPED = Path(__file__).parent.parent / "kb" / "articles"


def read(folder: Path, text: str | bytes) -> tuple[Glossary, list[Problem]]:
    path = folder / "glossary.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_glossary(path)


def test_words_creators_use_lead_to_the_articles_words(tmp_path: Path) -> None:
    glossary, problems = read(tmp_path, "en:\n  username: [handle, My @]\nto_en:\n  fr: {mot de passe: password}\n")
    assert problems == []
    assert glossary.meant == {"en": {"handle": "username", "my @": "username"}}
    assert glossary.english == {"fr": {"mot de passe": "password"}}


def test_a_word_that_yaml_takes_for_a_truth_value_stays_a_word(tmp_path: Path) -> None:
    glossary, _ = read(tmp_path, "en:\n  off: [no, on]\n")
    assert glossary.meant["en"] == {"no": "off", "on": "off"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("en:\n  a: [b\n", "3:1 G001"),
        (b"en:\n  a: [\xff]\n", "1:1 G001"),
        ("- en\n", "1:1 G002"),
        ("klingon:\n  a: [b]\n", "1:1 G003"),
        ("en:\n  a: b\n", "2:6 G004"),
        ("en:\n  a: [b, '']\n", "2:10 G004"),
        ("en:\n  a: [b]\n  c: [d, B]\n", "3:10 G005"),
        ("en:\n  a: [x, A]\n", "2:10 G006"),
        ("en:\n  a: [x]\n  a: [y]\n", "3:3 G007"),
        ("to_en:\n  fr:\n    mot: [a]\n", "3:10 G004"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str | bytes, found: str) -> None:
    _, problems = read(tmp_path, text)
    assert [str(p).split(" ", 2)[:2] for p in problems] == [f"glossary.yaml:{found}".split()]


def test_every_problem_stands_in_one_report(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "en:\n  a: b\n  c: [c]\nxx-yy-zz:\n  d: [e]\n")
    assert [p.code for p in problems] == ["G004", "G006", "G003"]


def test_it_stands_in_the_folder_of_articles_or_beside_one_that_is_called_so(tmp_path: Path) -> None:
    articles, other = tmp_path / "articles", tmp_path / "pages"
    articles.mkdir()
    other.mkdir()
    (tmp_path / "glossary.yaml").write_text("en: {}\n")
    assert find_glossary(articles) == tmp_path / "glossary.yaml"
    assert find_glossary(other) is None
    (articles / "glossary.yaml").write_text("en: {}\n")
    assert find_glossary(articles) == articles / "glossary.yaml"


def test_no_file_and_an_empty_file_are_an_empty_glossary(tmp_path: Path) -> None:
    assert read_glossary(None) == (Glossary(), [])
    assert read(tmp_path, "")[0].dump() == ""


words = st.dictionaries(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), max_size=4)


@given(st.dictionaries(st.sampled_from(["en", "fr", "zh"]), words), st.dictionaries(st.just("fr"), words))
@settings(max_examples=50)
def test_what_is_kept_with_a_revision_is_read_back(
    meant: dict[str, dict[str, str]], english: dict[str, dict[str, str]]
) -> None:
    glossary = Glossary(meant, english)
    assert load_glossary(glossary.dump()) == glossary


def test_the_shipped_glossary_covers_five_languages() -> None:
    glossary, problems = read_glossary(find_glossary(SHIPPED))
    assert problems == []
    assert set(glossary.meant) == {"en", "fr", "es", "ar", "zh"}
    assert set(glossary.english) == {"fr", "es", "ar", "zh"}
    assert all(len(set(words.values())) >= 80 for words in glossary.meant.values())
