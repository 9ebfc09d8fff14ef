"""BM25 over passages with tantivy, in memory; knows terms and fields, nothing of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import tantivy

from retrieval.analyze import terms
from retrieval.passage import Passage

FIELDS = {"title": 1.0, "heading": 0.5, "body": 1.0}
MAX_TERMS = 200


class LexicalIndex:
    """One revision's lexical index. It is built whole, so its statistics are that revision's own."""

    def __init__(self, passages: Sequence[Passage], weights: dict[str, float] | None = None) -> None:
        self._weights = weights or FIELDS
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("row", stored=True, fast=True)
        for field in self._weights:
            builder.add_text_field(field, tokenizer_name="whitespace")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        # One thread makes one segment: scores do not depend on how the work was split.
        writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        for row, passage in enumerate(passages):
            document = tantivy.Document(row=row)
            for field, text in _fields(passage).items():
                document.add_text(field, " ".join(terms(text, passage.locale)))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def search(self, question: str, locale: str, k: int) -> list[tuple[int, float]]:
        """(row, BM25 score), best first."""
        words = list(dict.fromkeys(terms(question, locale)))[:MAX_TERMS]
        if not words:
            return []
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.boost_query(_term(self._schema, field, word), weight))
            for word in words
            for field, weight in self._weights.items()
        ]
        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(clauses), k)
        rows = [(int(searcher.doc(address)["row"][0]), float(score)) for score, address in found.hits]
        return sorted(rows, key=lambda item: (-item[1], item[0]))


def _term(schema: tantivy.Schema, field: str, word: str) -> tantivy.Query:
    return tantivy.Query.term_query(schema, field, word)


def _fields(passage: Passage) -> dict[str, str]:
    if passage.kind != "section":
        return {"title": passage.text, "heading": " ".join(passage.path), "body": ""}
    return {"title": passage.title, "heading": " ".join(passage.path), "body": passage.text}
