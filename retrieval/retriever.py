"""The same search as a LangChain retriever, so that it drops into anyone's chain; knows no bot."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from retrieval.index import Index


class ArticleRetriever(BaseRetriever):
    """Gives sections as Documents; `metadata` holds article, locale, anchor, title, url, revision and scores."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Any
    """An `Index`, or a function without arguments that gives the one in hand."""
    locale: str = "en"
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        index: Index = self.index if isinstance(self.index, Index) else self.index()
        # All hits: titles and questions, which are no sections, may stand before the first of them.
        hits = index.search(query, self.locale, len(index.passages)).hits
        sections = [hit for hit in hits if hit.passage.kind == "section"][: self.k]
        return [
            Document(
                page_content=hit.passage.embedded,
                metadata={
                    "article": hit.passage.article,
                    "locale": hit.passage.locale,
                    "anchor": hit.passage.anchor,
                    "title": hit.passage.title,
                    "url": f"/help/{hit.passage.locale}/{hit.passage.article}#{hit.passage.anchor}",
                    "revision": index.revision,
                    "score": hit.score,
                    "dense": hit.dense,
                    "lexical": hit.lexical,
                },
            )
            for hit in sections
        ]
