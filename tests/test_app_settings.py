from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.database import DatabaseError, open_database
from app.secret import read_secret
from app.settings import EXAMPLES, Settings, SettingsError, read_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


WRONG = [
    ("ARTICLES_DIR", "/no/such/folder"),
    ("CHROMA_URL", "localhost:8001"),
    ("WIDGET_ORIGINS", "example.com"),
    ("WIDGET_ORIGINS", "https://example.com/page"),
    ("WIDGET_ORIGINS", '["https://example.com"'),
    ("WIDGET_ORIGINS", "https://fine.example,ftp://example.com"),
    ("RATE_LIMIT", "0"),
    ("RATE_LIMIT", "many"),
    ("MAX_BODY", "1"),
    ("MAX_BODY", "1 MB"),
    ("LLM", "gpt-4.1-mini"),
    ("LLM", "openai:"),
    ("LLM", "OpenAI:gpt 4"),
    ("LLM_FIRST", "0"),
    ("LLM_BETWEEN", "soon"),
    ("LLM_TOTAL", "3600"),
    ("LLM_PER_CONVERSATION", "-1"),
    ("LLM_PER_DAY", "unlimited"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_names_its_variable_and_shows_a_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CALLBOARD_{name}", value)
    with pytest.raises(SettingsError) as failed:
        read_settings()
    assert f"CALLBOARD_{name}" in str(failed.value)
    assert f"for example {EXAMPLES[name.lower()]}" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("name", sorted({name for name, _ in WRONG} - {"ARTICLES_DIR"}))
def test_the_value_that_is_shown_is_a_right_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"CALLBOARD_{name}", EXAMPLES[name.lower()])
    read_settings()


@pytest.mark.parametrize("url", ["nonsense", "sqlite3:///x.db", "oracle+nothing://host/db", "/var/callboard.db"])
def test_a_wrong_database_address_names_its_variable_and_shows_a_right_one(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"CALLBOARD_DATABASE_URL: .*for example sqlite:///"):
        open_database(url)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(data_dir=tmp_path / "file" / "var")
    with pytest.raises(DatabaseError, match="CALLBOARD_DATA_DIR"):
        open_database(settings.database)


@pytest.mark.parametrize(
    "value",
    [
        "https://a.example,https://b.example",
        "https://a.example , https://b.example",
        '["https://a.example", "https://b.example"]',
    ],
)
def test_origins_may_be_joined_by_commas_or_be_a_json_list(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CALLBOARD_WIDGET_ORIGINS", value)
    assert read_settings().widget_origins == ["https://a.example", "https://b.example"]


def test_no_origins_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_WIDGET_ORIGINS", "")
    assert read_settings().widget_origins == []


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "callboard.toml").write_text(
        'site_name = "From file"\nrate_limit = 7\nwidget_origins = ["https://f.example"]\n'
    )
    monkeypatch.setenv("CALLBOARD_SITE_NAME", "From environment")
    settings = read_settings()
    assert (settings.site_name, settings.rate_limit) == ("From environment", 7)
    assert settings.widget_origins == ["https://f.example"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "callboard.toml").write_text("site_name = \n")
    with pytest.raises(SettingsError, match=r"callboard\.toml"):
        read_settings()


def test_the_database_stands_in_the_data_folder_unless_it_is_set(tmp_path: Path) -> None:
    assert Settings(data_dir=Path("here")).database == f"sqlite:///{tmp_path / 'here' / 'callboard.db'}"
    assert Settings(database_url="sqlite:///elsewhere.db").database == "sqlite:///elsewhere.db"


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "var")
    secret = read_secret(settings)
    assert len(secret) >= 32
    assert read_secret(settings) == secret
    assert read_secret(Settings(data_dir=tmp_path / "other")) != secret
    assert stat.S_IMODE((tmp_path / "var" / "secret").stat().st_mode) == 0o600
    assert read_secret(Settings(data_dir=tmp_path / "var", secret="shared")) == b"shared"


def test_the_secret_is_not_shown_with_the_settings() -> None:
    assert "hush" not in repr(Settings(secret="hush"))
