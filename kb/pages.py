"""The Help Center's pages and the articles' API; knows published articles, not search, bot or tickets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine, insert

from kb.article import TOP, Article
from kb.markdown import slugify
from kb.render import article_markdown, render_section
from kb.revision import find_revision, load_articles
from kb.shelf import Shelf
from kb.tables import article_feedback

STATIC = Path(__file__).parent / "static"
RTL = {"ar", "he", "fa", "ur"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class Vote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    helpful: bool
    comment: str = Field("", max_length=2000)


Once = Callable[[str, str | None, dict[str, Any], Callable[[Connection], dict[str, Any]]], dict[str, Any]]
"""Does a piece of work in one transaction, once for each (scope, idempotency key, body)."""
Guard = Callable[[Request, str], None]
"""Raises where a caller sends too much; the text is what they wrote."""


def make_router(
    engine: Engine, shelf: Callable[[], Shelf | None], site: str, clock: Callable[[], float], once: Once, guard: Guard
) -> APIRouter:
    router = APIRouter()
    templates = Environment(loader=PackageLoader("kb"), autoescape=True, trim_blocks=True, lstrip_blocks=True)

    def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        html = templates.get_template(name).render(site=site, label=_label, top=TOP, **values)
        return HTMLResponse(html, status, {"Content-Security-Policy": CSP})

    def current() -> Shelf:
        found = shelf()
        if found is None:
            raise HTTPException(503, "nothing is published yet", {"Retry-After": "5"})
        return found

    def chosen(revision: str) -> Shelf:
        with engine.connect() as conn:
            try:
                name = find_revision(conn, revision)
            except LookupError as error:
                raise HTTPException(404, str(error)) from error
            return Shelf(name, {(a.locale, a.id): a for a in load_articles(conn, name)})

    def article_of(locale: str, id: str, revision: str | None) -> tuple[Article, str]:
        held = chosen(revision) if revision else current()
        article = held.find(locale, id) or held.moved(locale, id)
        if article is None:
            raise HTTPException(404, f"there is no article {id!r} in {locale!r}")
        return article, held.revision

    @router.get("/help", include_in_schema=False)
    def help_home() -> RedirectResponse:
        return RedirectResponse("/help/en")

    @router.get("/help/static/{name}", include_in_schema=False)
    def static_file(name: str) -> FileResponse:
        path = STATIC / name
        if path.parent != STATIC or not path.is_file():
            raise HTTPException(404, "there is no such file")
        return FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})

    @router.get("/help/{locale}", include_in_schema=False)
    def help_index(locale: str) -> Response:
        held = current()
        if locale not in held.locales:
            return page("missing.html", 404, locale="en", direction="ltr", locales=held.locales)
        categories = held.categories(locale)
        return page(
            "home.html",
            locale=locale,
            direction=_direction(locale),
            categories=categories,
            locales=held.locales,
        )

    @router.get("/help/{locale}/{category}/{slug}", include_in_schema=False)
    def help_article(locale: str, category: str, slug: str) -> Response:
        held = current()
        id = f"{category}/{slug}"
        article = held.find(locale, id)
        if article is None:
            if moved := held.moved(locale, id):
                return RedirectResponse(moved.url(), 308 if moved.locale == locale else 302)
            return page("missing.html", 404, locale="en", direction="ltr", locales=held.locales)
        sections = [(s, render_section(s, locale)) for s in article.sections]
        others = [lang for lang in held.locales if held.find(lang, id)]
        neighbours = [a for a in held.categories(locale)[category] if a.id != id][:6]
        return page(
            "article.html",
            locale=locale,
            direction=_direction(locale),
            article=article,
            sections=sections,
            locales=others,
            neighbours=neighbours,
        )

    @router.get("/v1/articles/{locale}/{category}/{slug}", tags=["articles"], response_model=None)
    def read_article(
        locale: str, category: str, slug: str, revision: Annotated[str | None, Query(max_length=64)] = None
    ) -> dict[str, Any] | PlainTextResponse:
        """One article, as JSON or, with `.md`, as Markdown; of an earlier revision if one is named."""
        markdown = slug.endswith(".md")
        article, held = article_of(locale, f"{category}/{slug.removesuffix('.md')}", revision)
        if markdown:
            return PlainTextResponse(article_markdown(article), media_type="text/markdown; charset=utf-8")
        return {
            "id": article.id,
            "locale": article.locale,
            "title": article.title,
            "summary": article.summary,
            "revision": held,
            "updated": article.updated,
            "sections": [
                {
                    "anchor": s.anchor,
                    "title": s.title or article.title,
                    "text": s.text,
                    "html": render_section(s, article.locale),
                }
                for s in article.sections
            ],
        }

    @router.post("/v1/articles/{locale}/{category}/{slug}/feedback", status_code=201, tags=["articles"])
    def rate_article(
        locale: str, category: str, slug: str, vote: Vote, request: Request, key: Key = None
    ) -> dict[str, Any]:
        guard(request, vote.comment)
        article, _ = article_of(locale, f"{category}/{slug}", None)

        def work(conn: Connection) -> dict[str, Any]:
            row = {"article": article.id, "locale": article.locale, "digest": article.digest, "at": clock()}
            conn.execute(insert(article_feedback).values(**row, helpful=vote.helpful, comment=vote.comment))
            return {"helpful": vote.helpful}

        return once(f"article:{locale}/{article.id}", key, vote.model_dump(), work)

    return router


def _direction(locale: str) -> str:
    return "rtl" if locale.split("-")[0] in RTL else "ltr"


def _label(category: str) -> str:
    return {"eu": "EU"}.get(category, slugify(category).replace("-", " ").capitalize())
