"""One file's bytes in, an article or its problems out."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.parse import Parsed, Source, parse_article
from tests.conftest import article

OURS = Source("en/account/hacked.md", "account/hacked", "en")
FOREIGN = Source("account/hacked.md", "account/hacked", "en", foreign=True)


def read(raw: bytes | str, source: Source = OURS) -> Parsed:
    return parse_article(raw.encode() if isinstance(raw, str) else raw, source, {}.get)


def places(parsed: Parsed) -> list[tuple[int, int, str]]:
    return [(p.line, p.col, p.code) for p in parsed.problems]


BAD = {
    "empty file": (b"", (1, 1, "A012")),
    "white space only": (b" \n\t\n", (1, 1, "A012")),
    "byte order mark only": (b"\xef\xbb\xbf", (1, 1, "A012")),
    "10 MB": (b"a" * 10_000_000, (1, 1, "A010")),
    "NUL": (b"---\ntitle: T\n---\nab\0c\n", (4, 3, "A013")),
    "NUL by escape": (b'---\ntitle: "a\\0b"\n---\nx\n', (2, 8, "A017")),
    "half a character by escape": (b'---\ntitle: "\\ud800"\n---\nx\n', (2, 8, "A017")),
    "broken UTF-8": (b"---\ntitle: T\n---\none\ntwo \xff\n", (5, 5, "A011")),
    "broken UTF-8 after wide letters": ("---\ntitle: éé".encode() + b"\xff", (2, 10, "A011")),
    "broken UTF-8 after a byte order mark": (b"\xef\xbb\xbf---\ntitle: \xff", (2, 8, "A011")),
    "broken UTF-8 in a file of old Mac lines": (b"a\rb\xff", (2, 2, "A011")),
    "UTF-16": ("title".encode("utf-16"), (1, 1, "A011")),
    "unclosed front matter": (b"---\ntitle: T\n\nBody\n", (1, 1, "A014")),
    "front matter of a list": (b"---\n- a\n---\nx\n", (2, 1, "A015")),
    "front matter of one word": (b"---\nword\n---\nx\n", (2, 1, "A015")),
    "duplicate key": (b"---\ntitle: T\nstatus: draft\ntitle: U\n---\nx\n", (4, 1, "A016")),
    "duplicate key within a value": (b"---\ntitle: T\nhandoff: {queue: a, queue: b}\n---\nx\n", (3, 21, "A016")),
    "malformed YAML": (b"---\ntitle: T\nkeywords: [a\n---\nx\n", (3, 13, "A017")),
    "tab in YAML": (b"---\ntitle: T\nhandoff:\n\tqueue: a\n---\nx\n", (4, 1, "A017")),
    "unclosed quote": (b"---\ntitle: 'T\n---\nx\n", (2, 10, "A017")),
    "colon in a plain title": (b"---\ntitle: Live: how\n---\nx\n", (2, 12, "A017")),
    "control character": (b"---\ntitle: a\x01b\n---\nx\n", (2, 9, "A017")),
    "impossible date": (b"---\ntitle: T\nupdated: 2026-13-45\n---\nx\n", (3, 10, "A017")),
    "tag that fits no value": (b"---\ntitle: !!int ''\n---\nx\n", (2, 8, "A017")),
    "Python tag": (b"---\ntitle: !!python/object/apply:os.system [ls]\n---\nx\n", (2, 8, "A017")),
    "alias": (b"---\ntitle: &a T\nsummary: *a\n---\nx\n", (3, 10, "A017")),
    "deep nesting": (b"---\ntitle: " + b"[" * 5000 + b"\n---\nx\n", (2, 1, "A017")),
    "unknown key": (b"---\ntitle: T\ntittle: T\n---\nx\n", (3, 1, "A020")),
    "key that YAML reads as yes": (b"---\ntitle: T\non: x\n---\nx\n", (3, 1, "A020")),
    "title that is a number": (b"---\ntitle: 2024\n---\nx\n", (2, 1, "A021")),
    "blank title": (b"---\ntitle: ' '\n---\nx\n", (2, 1, "A021")),
    "keywords that are a text": (b"---\ntitle: T\nkeywords: a, b\n---\nx\n", (3, 1, "A021")),
    "keyword that YAML reads as no": (b"---\ntitle: T\nkeywords: [no]\n---\nx\n", (3, 1, "A021")),
    "unknown status": (b"---\ntitle: T\nstatus: live\n---\nx\n", (3, 1, "A021")),
    "status that is a list": (b"---\ntitle: T\nstatus: [draft]\n---\nx\n", (3, 1, "A021")),
    "updated with a time": (b"---\ntitle: T\nupdated: 2026-01-02T03:04:05Z\n---\nx\n", (3, 1, "A021")),
    "publish_at without a zone": (b"---\ntitle: T\npublish_at: 2026-01-02T03:04:05\n---\nx\n", (3, 1, "A021")),
    "review_every of no days": (b"---\ntitle: T\nreview_every: 0\n---\nx\n", (3, 1, "A021")),
    "review_every of yes": (b"---\ntitle: T\nreview_every: true\n---\nx\n", (3, 1, "A021")),
    "audience of numbers": (b"---\ntitle: T\naudience: {regions: [1]}\n---\nx\n", (3, 1, "A021")),
    "audience of bytes": (b"---\ntitle: T\naudience: {regions: [!!binary aGk=]}\n---\nx\n", (3, 1, "A021")),
    "audience with an unknown key": (b"---\ntitle: T\naudience: {country: [DE]}\n---\nx\n", (3, 1, "A021")),
    "audience with a text for an age": (b"---\ntitle: T\naudience: {min_age: old}\n---\nx\n", (3, 1, "A021")),
    "fact without its F": (b"---\ntitle: T\nfacts: ['001']\n---\nx\n", (3, 1, "A021")),
    "redirect from no id": (b"---\ntitle: T\nredirect_from: [Hacked]\n---\nx\n", (3, 1, "A021")),
    "notice without its start": (b"---\ntitle: T\nkind: notice\naffects: [a/b]\n---\nx\n", (3, 1, "A022")),
    "no title": (b"---\nstatus: draft\n---\nx\n", (1, 1, "A023")),
    "no text": (b"---\ntitle: T\n---\n\n", (4, 1, "A024")),
    "nothing but headings": (b"---\ntitle: T\n---\n## A\n## B\n", (4, 1, "A024")),
    "raw HTML": (b"---\ntitle: T\n---\none\n\ntwo\nthree <b>x</b>\n", (7, 1, "A025")),
    "title in the body": (b"---\ntitle: T\n---\n# T\nx\n", (4, 1, "A026")),
    "emphasis nested thousands deep": (b"---\ntitle: T\n---\n" + b"*a " * 5000 + b"a* " * 5000, (4, 1, "A029")),
    "heading without words": (b"---\ntitle: T\n---\nx\n\n## {#here}\n", (6, 1, "A030")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_by_line_and_column(name: str) -> None:
    raw, where = BAD[name]
    parsed = read(raw)
    assert parsed.article is None
    assert where in places(parsed)
    assert all(p.level == "error" and p.file == OURS.file and p.message for p in parsed.problems)


def test_all_problems_of_a_file_are_told_at_once() -> None:
    parsed = read(b"---\ntittle: T\nstatus: live\nstatus: draft\n---\n# Head\n<b>\n")
    assert {code for _, _, code in places(parsed)} >= {"A016", "A020", "A023", "A025", "A026"}


def test_the_message_of_an_unknown_key_lists_the_keys() -> None:
    [problem] = read(b"---\ntitle: T\ntags: [a]\n---\nx\n").problems
    assert str(problem).startswith("en/account/hacked.md:3:1 A020 unknown key `tags`; the keys are title, summary")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("---\ntitle: T\n---\n### Deep\nx\n", "A027"),
        ("---\ntitle: T\n---\nx ![alt](https://example.com/a.png)\n", "A028"),
    ],
)
def test_a_style_problem_is_a_warning(raw: str, code: str) -> None:
    parsed = read(raw)
    assert parsed.article is not None
    assert [(p.code, p.level) for p in parsed.problems] == [(code, "warning")]


def test_a_byte_order_mark_is_accepted() -> None:
    raw = article("Recover an account", "Do this.").encode()
    assert read(b"\xef\xbb\xbf" + raw).article == read(raw).article is not None


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_endings_make_no_difference(end: str) -> None:
    raw = article("T", "One.\n\n## Two\n\n- a\n- b")
    assert read(raw.replace("\n", end)).article == read(raw).article is not None


def test_every_key_of_the_contract_is_read() -> None:
    parsed = read(
        """---
title: Recover a hacked account
summary: Get back in.
questions:
  - my account got hacked what do i do
keywords: [stolen, compromised]
audience: {regions: [EEA, UK], tiers: [pro], min_age: 18, min_followers: 10000}
facts: [F001, F002]
status: in_review
publish_at: 2026-11-22T09:00:00+01:00
expires_at:
updated: 2026-11-22
review_every: 180
owner: account-safety
redirect_from: [account/stolen]
source_revision: 9f2c
handoff: {queue: account_security, ask: "Was your email changed?"}
---
Do this.
"""
    )
    assert parsed.problems == ()
    found = parsed.article
    assert found is not None
    assert (found.title, found.summary, found.status) == ("Recover a hacked account", "Get back in.", "in_review")
    assert found.questions == ("my account got hacked what do i do",)
    assert found.keywords == ("stolen", "compromised")
    assert found.redirect_from == ("account/stolen",)
    assert found.updated == "2026-11-22"
    assert found.meta["audience"]["min_followers"] == 10000
    assert found.meta["publish_at"] == "2026-11-22T09:00:00+01:00"
    assert found.meta["handoff"]["queue"] == "account_security"


def test_the_digest_changes_with_anything_an_article_holds() -> None:
    texts = [
        article("T", "Body."),
        article("U", "Body."),
        article("T", "Body!"),
        article("T", "Body.", "how do i"),
        article("T", "Body.", owner="me"),
        article("T", "Body.", updated="2026-01-01"),
    ]
    digests = [parsed.article.digest for t in texts if (parsed := read(t)).article]
    elsewhere = read(texts[0], Source("fr/account/hacked.md", "account/hacked", "fr")).article
    assert elsewhere is not None
    assert len({*digests, elsewhere.digest}) == 7


def test_a_foreign_file_that_only_looks_like_front_matter_is_body() -> None:
    parsed = read("---\nA rule above, no front matter.\n", FOREIGN)
    assert parsed.article is not None
    assert "A rule above" in parsed.article.sections[0].text
    assert {p.level for p in parsed.problems} == {"warning"}


def test_a_foreign_files_keys_and_duplicates_are_warnings() -> None:
    parsed = read(
        "---\ntitle: 5\nslug: x\nslug: y\nkeywords: [a, 1]\ndescription: About it\n---\n# Head\ntext\n", FOREIGN
    )
    assert parsed.article is not None
    assert (parsed.article.title, parsed.article.summary) == ("Head", "About it")
    assert parsed.article.keywords == ("a",)
    assert {p.level for p in parsed.problems} == {"warning"}


# Pieces that get past the decoder and into YAML and Markdown, which random bytes seldom do.
PIECES = st.sampled_from(
    "--- title: T status: draft questions: - \" ' [ ] { } & * ! !!int !!bool !!timestamp !!set !!binary << | > : "
    "? # ## {#a} ![ ]( kb:a/b#c <b> <!-- ` ``` ~~~ 1. \\ \ufeff \u2028 \x85 \x00 \x01 é \U0001f600 &#0; \\ud800 0x "
    "1e400 2026-02-30".split(" ")
)
LINES = st.lists(st.lists(PIECES | st.text(max_size=3), max_size=5).map(" ".join), max_size=12).map("\n".join)


@given(
    raw=st.binary(max_size=200)
    | LINES.map(lambda t: t.encode("utf-8", "replace"))
    | LINES.map(lambda t: f"---\ntitle: T\n{t}\n---\n{t}".encode("utf-8", "replace"))
    | st.tuples(LINES, st.binary(max_size=9)).map(lambda t: t[0].encode("utf-8", "replace") + t[1]),
    source=st.sampled_from([OURS, FOREIGN]),
)
@example(raw=b"---\ntitle: !!bool x\n---\nx", source=FOREIGN)
@example(raw=b"---\n? [a]\n: b\n---\nx", source=OURS)
def test_any_bytes_give_an_article_or_problems_with_a_place(raw: bytes, source: Source) -> None:
    parsed = read(raw, source)
    assert parsed.article is not None or any(p.level == "error" for p in parsed.problems)
    assert all(p.line >= 1 and p.col >= 1 and p.file == source.file for p in parsed.problems)
    assert all(p.line <= raw.count(b"\n") + raw.count(b"\r") + 1 for p in parsed.problems)
