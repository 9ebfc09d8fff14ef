"""Measures retrieval on a folder in BEIR's layout (Thakur et al. 2021), without touching the live articles."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ir_measures import RR, Qrel, R, ScoredDoc, calc_aggregate, iter_calc, nDCG
from numpy.typing import NDArray

from bot.language import identify_language
from eval.interval import bootstrap
from kb.article import Article
from kb.parse import Source, parse_article
from retrieval.embed import Embedder, Vectors
from retrieval.index import Index
from retrieval.lexical import LexicalIndex
from retrieval.passage import Passage, cut_articles

DEPTH = 100
MEASURES = {"nDCG@10": nDCG @ 10, "R@5": R @ 5, "R@20": R @ 20, "RR@10": RR @ 10}


class BeirError(ValueError):
    """The folder is not in BEIR's layout; the message says what is missing."""


def measure_beir(folder: Path, split: str, locale: str | None, embedder: Embedder) -> dict[str, Any]:
    """Measures of the live search over the folder's documents, of BM25 and of the vectors alone, and the paired gain
    in nDCG@10 over the better of the two with its 95 % bootstrap interval."""
    queries, qrels = _read_queries(folder, split)
    locale = locale or identify_language(" ".join(list(queries.values())[:20]))
    articles = list(_read_corpus(folder, locale))
    passages = cut_articles(articles)
    vectors = _embed(embedder, passages)
    asked = embedder.embed(list(queries.values()))
    index = Index("beir", passages, vectors, embedder)
    lexical = LexicalIndex(passages)
    depth = min(len(passages), 20 * DEPTH)
    runs: dict[str, list[ScoredDoc]] = {"hybrid": [], "bm25": [], "dense": []}
    for (query, text), vector in zip(queries.items(), asked, strict=True):
        ranked = index.search(text, locale).articles
        runs["hybrid"] += _best(query, ((r.article, r.score) for r in ranked))
        rows = lexical.search(text, locale, depth)
        runs["bm25"] += _best(query, ((passages[row].article, score) for row, score in rows))
        near: NDArray[np.float32] = vectors @ vector
        order = np.argsort(-near, kind="stable")[:depth]
        runs["dense"] += _best(query, ((passages[row].article, float(near[row])) for row in order))
    measured = {name: _measure(qrels, run) for name, run in runs.items()}
    better = max(("bm25", "dense"), key=lambda name: measured[name]["nDCG@10"])
    return {
        "documents": len(articles),
        "passages": len(passages),
        "queries": len(queries),
        "locale": locale,
        "metrics": measured["hybrid"],
        "alone": {name: measured[name] for name in ("bm25", "dense")},
        "gain": {"over": better} | _gain(qrels, runs["hybrid"], runs[better], list(queries)),
    }


def _read_queries(folder: Path, split: str) -> tuple[dict[str, str], list[Qrel]]:
    try:
        with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, delimiter="\t"))[1:]
        qrels = [Qrel(query, document, int(float(grade))) for query, document, grade in rows]
        texts = {str(row["_id"]): row["text"] for row in _lines(folder / "queries.jsonl")}
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BeirError(
            f"{error.filename} is missing; a BEIR folder has corpus.jsonl, queries.jsonl and qrels/{split}.tsv"
        ) from error
    except (ValueError, KeyError) as error:
        raise BeirError(f"{folder} cannot be read: {error}") from error
    judged = {qrel.query_id for qrel in qrels}
    queries = {query: text for query, text in texts.items() if query in judged}
    if not queries:
        raise BeirError(f"{folder}: qrels/{split}.tsv judges no query of queries.jsonl")
    return queries, qrels


def _read_corpus(folder: Path, locale: str) -> Iterable[Article]:
    path = folder / "corpus.jsonl"
    try:
        rows = [(str(row["_id"]), row.get("title") or "", row.get("text") or "") for row in _lines(path)]
    except FileNotFoundError as error:
        raise BeirError(f"{path} is missing") from error
    except (ValueError, KeyError) as error:
        raise BeirError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise BeirError(f"{path} holds no document")
    for id, title, text in rows:
        # The id is kept as it is: nothing but the qrels reads it here.
        source = Source(id, id, locale, foreign=True)
        parsed = parse_article((text or title or "-").encode(), source, lambda _href: None)
        if parsed.article is None:
            raise BeirError(f"document {id}: {parsed.problems[0]}")
        yield replace(parsed.article, title=title or parsed.article.title)


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        yield from (json.loads(line) for line in stream if line.strip())


def _embed(embedder: Embedder, passages: list[Passage]) -> Vectors:
    """Sorted by length, so that a batch holds little padding, and put back in order."""
    order = sorted(range(len(passages)), key=lambda i: len(passages[i].embedded))
    made = embedder.embed([passages[i].embedded for i in order])
    vectors = np.empty_like(made)
    vectors[order] = made
    return vectors


def _best(query: str, scored: Iterable[tuple[str, float]]) -> list[ScoredDoc]:
    """A document counts once, by its best passage."""
    best: dict[str, float] = {}
    for document, score in scored:
        best[document] = max(score, best.get(document, score))
    top = sorted(best.items(), key=lambda item: -item[1])[:DEPTH]
    return [ScoredDoc(query, document, score) for document, score in top]


def _measure(qrels: list[Qrel], run: list[ScoredDoc]) -> dict[str, float]:
    values = calc_aggregate(list(MEASURES.values()), qrels, run)
    return {name: round(float(values[measure]), 4) for name, measure in MEASURES.items()}


def _gain(qrels: list[Qrel], ours: list[ScoredDoc], theirs: list[ScoredDoc], queries: list[str]) -> dict[str, float]:
    a, b = ({m.query_id: m.value for m in iter_calc([nDCG @ 10], qrels, run)} for run in (ours, theirs))
    differences = [a.get(query, 0.0) - b.get(query, 0.0) for query in queries]
    low, high = bootstrap(differences)
    return {
        "value": round(sum(differences) / len(differences), 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }
