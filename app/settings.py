"""Reads CALLBOARD_* variables and callboard.toml; knows names and defaults, not what they are used for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PACKAGED = Path(__file__).parent.parent / "kb" / "articles"
EXAMPLES = {
    "articles_dir": "./articles",
    "data_dir": "./var",
    "database_url": "sqlite:///var/callboard.db or postgresql+psycopg://user@host/name",
    "chroma_url": "http://127.0.0.1:8001",
    "widget_origins": "https://example.com,https://www.example.com",
    "rate_limit": "60",
    "max_body": "256000",
    "llm": "openai:gpt-4.1-mini",
    "llm_first": "5",
    "llm_between": "3",
    "llm_total": "15",
    "llm_per_conversation": "30",
    "llm_per_day": "5000",
}


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and shows a right value."""


class Settings(BaseSettings):
    """Every setting, with its default. Environment variables win over callboard.toml."""

    model_config = SettingsConfigDict(env_prefix="CALLBOARD_", toml_file="callboard.toml", extra="ignore", frozen=True)

    articles_dir: Path = Field(PACKAGED, description="folder of the articles")
    data_dir: Path = Field(Path("var"), description="folder for the database and the caches")
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite in the data folder")
    chroma_url: str = Field("", description="address of a Chroma server; empty: embedded in the data folder")
    embedding_model: str = Field("", description="sentence-transformers name or folder; empty: the bundled MiniLM")
    site_name: str = Field("Callboard", description="what the assistant calls the place it answers for")
    secret: str = Field("", repr=False, description="what conversations' tokens derive from; empty: DATA_DIR/secret")
    widget_origins: Annotated[list[str], NoDecode] = Field(
        [], description="sites that may embed the widget, joined by commas; empty: this server only"
    )
    rate_limit: int = Field(60, ge=1, description="messages a minute from one address")
    max_body: int = Field(256_000, ge=10_000, description="largest request body in bytes")

    llm: str = Field("", description="provider:model that words answers; empty: the articles' own words")
    llm_first: float = Field(5.0, gt=0, le=60, description="seconds until a language model's first token")
    llm_between: float = Field(3.0, gt=0, le=60, description="seconds from one of its tokens to the next")
    llm_total: float = Field(15.0, gt=0, le=60, description="seconds until its last token")
    llm_per_conversation: int = Field(30, ge=0, description="times it may be asked in one conversation")
    llm_per_day: int = Field(5000, ge=0, description="times it may be asked in one day (UTC)")

    @field_validator("llm")
    @classmethod
    def _model(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z][a-z0-9_]*:\S+", value):
            raise ValueError(f"{value!r} is not provider:model")
        return value

    @field_validator("articles_dir")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError(f"{value} is not a folder")
        return value

    @field_validator("chroma_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and urlparse(value).scheme not in ("http", "https"):
            raise ValueError(f"{value!r} is not an http address")
        return value

    @field_validator("widget_origins", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return (
            json.loads(value) if value.startswith("[") else [part.strip() for part in value.split(",") if part.strip()]
        )

    @field_validator("widget_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            at = urlparse(origin)
            if at.scheme not in ("http", "https") or not at.netloc or at.path or at.query or at.fragment:
                raise ValueError(f"{origin!r} is not an origin (scheme, host and port only)")
        return value

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'callboard.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings() -> Settings:
    """The settings, or SettingsError naming the variable that is wrong."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        example = f"; for example {EXAMPLES[name]}" if name in EXAMPLES else ""
        raise SettingsError(f"CALLBOARD_{name.upper()}: {first['msg']}{example}") from error
    except ValueError as error:
        raise SettingsError(f"callboard.toml or the environment cannot be read: {error}") from error
