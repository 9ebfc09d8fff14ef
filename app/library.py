"""Opens a revision for asking: articles and vectors from SQL, Chroma if there is one."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from bot.library import Library, make_library
from kb.revision import load_articles, load_words
from retrieval.chroma import ChromaCache
from retrieval.embed import Embedder
from retrieval.index import Index
from retrieval.passage import cut_articles
from retrieval.thesaurus import Thesaurus
from retrieval.vectors import load_vectors
from retrieval.view import own_vectors


def open_library(conn: Connection, revision: str, embedder: Embedder, chroma: ChromaCache | None = None) -> Library:
    """The revision, ready to be asked. Without `chroma` it is searched exactly."""
    articles = load_articles(conn, revision)
    passages = cut_articles(articles)
    embedded = own_vectors(passages, embedder.reads)
    known = load_vectors(conn, embedded, embedder.name)
    if chroma is not None:
        chroma.hold([p.hash for p in embedded], known)
    place = {p.hash: n for n, p in enumerate(passages)}
    vectors = np.zeros((len(passages), known.shape[1]), np.float32)
    vectors[[place[p.hash] for p in embedded]] = known
    thesaurus = Thesaurus(load_words(conn, revision))
    index = Index(revision, passages, vectors, embedder, chroma.propose if chroma else None, thesaurus)
    return make_library(revision, articles, index)
