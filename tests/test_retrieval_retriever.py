"""The search as a LangChain retriever."""

from __future__ import annotations

import asyncio

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from bot.library import Library
from retrieval.retriever import ArticleRetriever


def test_it_gives_sections_with_their_place_and_scores(library: Library) -> None:
    documents = ArticleRetriever(index=library.index, k=4).invoke("how do I change my username")
    assert len(documents) == 4
    for document in documents:
        meta = document.metadata
        section = library.articles[meta["locale"], meta["article"]].section(meta["anchor"])
        assert section is not None
        assert meta["url"] == library.articles[meta["locale"], meta["article"]].url(meta["anchor"])
        assert meta["revision"] == library.revision
        assert document.page_content.startswith(meta["title"])
    assert documents[0].metadata["article"] == "account/username"
    assert [d.metadata["score"] for d in documents] == sorted((d.metadata["score"] for d in documents), reverse=True)


def test_it_gives_as_many_as_asked_for_where_questions_and_titles_fit_better(library: Library) -> None:
    for found in list(library.articles.values())[:20]:
        for k in (1, 3):
            assert len(ArticleRetriever(index=library.index, k=k).invoke(found.questions[0])) == k


def test_it_takes_the_index_in_hand_at_each_call(library: Library) -> None:
    seen: list[int] = []
    retriever = ArticleRetriever(index=lambda: seen.append(1) or library.index, k=2)
    assert len(retriever.batch(["payout failed", "hacked account"])) == 2
    assert len(seen) == 2


def test_it_is_a_link_of_a_chain(library: Library) -> None:
    retriever = ArticleRetriever(index=library.index, k=3)
    chain = (
        {"context": retriever | _join, "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("Answer from:\n{context}\n\nQuestion: {question}")
        | RunnableLambda(lambda prompt: prompt.to_string())
        | StrOutputParser()
    )
    said = chain.invoke("my account was hacked")
    assert "hacked" in said.split("Question:")[0].lower()
    assert said.endswith("Question: my account was hacked")
    assert asyncio.run(chain.ainvoke("my account was hacked")) == said
    passed = RunnablePassthrough.assign(found=lambda x: retriever.invoke(x["question"])).invoke({"question": "payouts"})
    assert passed["question"] == "payouts"
    assert all(isinstance(d, Document) for d in passed["found"])


def _join(documents: list[Document]) -> str:
    return "\n\n".join(d.page_content for d in documents)
