from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import Settings, SettingsError, get_settings, load_settings

TOKEN = "ntn_4711veryprivate"
SECRETS = {
    "REDIS_URL": "rediss://:redis-pass-1@redis.example:6380/2",
    "DATABASE_URL": "postgres://lockstep:db-pass-22@db.example/lockstep",
    "NOTION_TOKEN": TOKEN,
    "SENTRY_DSN": "https://publickey333@sentry.example/42",
    "FLOWER_BASIC_AUTH": "admin:flower-pass-4",
}
HIDDEN = ("redis-pass-1", "db-pass-22", TOKEN, "publickey333", "flower-pass-4")


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[str, ...]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_nothing_has_to_be_set(bare_environment: Path) -> None:
    settings = load_settings()
    assert settings.redis_url is None
    assert settings.notion_base_url == "https://api.notion.com"
    assert settings.retry_seconds == 30.0
    assert (settings.soft_time_limit, settings.time_limit) == (1500.0, 1800.0)
    assert settings.worker_concurrency is None
    assert settings.sql_url() == f"sqlite:///{bare_environment / '.lockstep' / 'lockstep.db'}"


def test_environment_comes_before_dotenv_before_toml(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / "lockstep.toml").write_text(
        'notion_base_url = "http://toml"\nlease_seconds = 7\nlog_level = "error"\ntasks = ["a", "b.c"]\n'
    )
    (bare_environment / ".env").write_text(
        "NOTION_BASE_URL=http://dotenv\nLOCKSTEP_LEASE_SECONDS=8\nOTHER=1\n"
    )
    monkeypatch.setenv("NOTION_BASE_URL", "http://environment/")
    settings = load_settings()
    assert settings.notion_base_url == "http://environment"
    assert settings.lease_seconds == 8.0
    assert settings.log_level == "ERROR"
    assert settings.tasks == ("a", "b.c")
    assert load_settings(lease_seconds=9).lease_seconds == 9.0


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("LOCKSTEP_LOG_LEVEL", "")
    assert load_settings().redis_url is None
    assert load_settings().log_level == "INFO"


def test_short_names_in_the_environment_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOG_LEVEL", "TASKS", "SYNC", "STATE_DIR", "LOCKSTEP_SYNC", "tasks"):
        monkeypatch.setenv(name, "whatever")
    assert load_settings() == load_settings(tasks=(), log_level="INFO")


def test_tasks_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKSTEP_TASKS", "company.syncs, , company.more ")
    assert load_settings().tasks == ("company.syncs", "company.more")


def test_sync_tables_are_kept_for_their_reader(bare_environment: Path) -> None:
    (bare_environment / "lockstep.toml").write_text(
        '[[sync]]\nname = "to-dos"\nevery = "5m"\n[[sync]]\nname = "b"\n'
    )
    assert load_settings().sync == ({"name": "to-dos", "every": "5m"}, {"name": "b"})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "LOCKSTEP_LOG_LEVEL",
            "LOUD",
            "LOCKSTEP_LOG_LEVEL is 'LOUD': use one of DEBUG, INFO, WARNING, ERROR",
        ),
        ("LOCKSTEP_LOG_FORMAT", "xml", "LOCKSTEP_LOG_FORMAT is 'xml': use one of text, json"),
        ("LOCKSTEP_LEASE_SECONDS", "soon", "LOCKSTEP_LEASE_SECONDS is 'soon': use a number of seconds"),
        ("LOCKSTEP_LEASE_SECONDS", "0.5", "LOCKSTEP_LEASE_SECONDS is '0.5': use a number above 0.5"),
        ("LOCKSTEP_LEASE_SECONDS", "inf", "LOCKSTEP_LEASE_SECONDS is 'inf': use a number of seconds"),
        ("LOCKSTEP_RETRY_SECONDS", "-1", "LOCKSTEP_RETRY_SECONDS is '-1': use a number above 0"),
        ("LOCKSTEP_WORKER_CONCURRENCY", "0", "LOCKSTEP_WORKER_CONCURRENCY is '0': use 1 or more"),
        ("LOCKSTEP_WORKER_CONCURRENCY", "1.5", "LOCKSTEP_WORKER_CONCURRENCY is '1.5': use a whole number"),
        ("LOCKSTEP_REDIS_VERIFY", "perhaps", "LOCKSTEP_REDIS_VERIFY is 'perhaps': use true or false"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL is not an address: use redis:// or rediss://"),
        ("REDIS_URL", "http://localhost", "REDIS_URL begins with http://: use redis:// or rediss://"),
        ("REDIS_URL", "redis://localhost:port/0", "REDIS_URL has a host or port that cannot be read"),
        ("REDIS_URL", "redis://localhost/first", "REDIS_URL ends in something else than a database number"),
        ("DATABASE_URL", "mysql://localhost/x", "DATABASE_URL begins with mysql://: use sqlite://"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL is a database in memory"),
        ("DATABASE_URL", "sqlite:///:memory:", "DATABASE_URL is a database in memory"),
        (
            "NOTION_BASE_URL",
            "api.notion.com",
            "NOTION_BASE_URL (api.notion.com) is not an address: use http://",
        ),
        ("NOTION_BASE_URL", "https:///v1", "NOTION_BASE_URL (https:///v1) names no host"),
        ("NOTION_TOKEN", "'ntn_a b'", "NOTION_TOKEN contains characters that no token has"),
        ("SENTRY_DSN", "https://sentry.example/42", "SENTRY_DSN is not a Sentry DSN"),
        ("FLOWER_BASIC_AUTH", "admin", "FLOWER_BASIC_AUTH is not of the form user:password"),
    ],
)
def test_a_wrong_value_gets_one_line_with_variable_and_mend(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    (line,) = problems(monkeypatch, **{variable: value})
    assert line.startswith(message)
    assert "\n" not in line


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = problems(monkeypatch, LOCKSTEP_LOG_LEVEL="LOUD", REDIS_URL="ftp://x", LOCKSTEP_TIME_LIMIT="0")
    assert [line.split()[0] for line in lines] == ["REDIS_URL", "LOCKSTEP_LOG_LEVEL", "LOCKSTEP_TIME_LIMIT"]


def test_soft_limit_must_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = problems(monkeypatch, LOCKSTEP_SOFT_TIME_LIMIT="60", LOCKSTEP_TIME_LIMIT="60")
    assert "LOCKSTEP_SOFT_TIME_LIMIT (60 s) is not below LOCKSTEP_TIME_LIMIT (60 s)" in line


def test_a_state_directory_that_is_a_file(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = bare_environment / "state"
    file.write_text("")
    (line,) = problems(monkeypatch, LOCKSTEP_STATE_DIR=str(file))
    assert line == f"LOCKSTEP_STATE_DIR ({file}) is a file: name a directory"


def test_a_wrong_value_from_the_file_names_its_key(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / "lockstep.toml").write_text('log_level = "LOUD"\n')
    (line,) = problems(monkeypatch)
    assert line.startswith("log_level in lockstep.toml is 'LOUD': use one of DEBUG")
    (line,) = problems(monkeypatch, LOCKSTEP_LOG_LEVEL="QUIET")
    assert line.startswith("LOCKSTEP_LOG_LEVEL is 'QUIET'")


def test_toml_with_a_syntax_error_names_file_and_line(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / "lockstep.toml").write_text('log_level = "INFO"\ntasks = [\n')
    (line,) = problems(monkeypatch)
    assert line.startswith("lockstep.toml is not valid TOML: ")
    (bare_environment / "lockstep.toml").write_text("log_level = INFO\n")
    assert "line 1" in problems(monkeypatch)[0]


def test_toml_in_another_encoding_names_file_and_line(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / "lockstep.toml").write_bytes('log_level = "INFO"\n# für Anna\n'.encode("latin-1"))
    (line,) = problems(monkeypatch)
    assert line == "lockstep.toml is not UTF-8 from line 2 on: save it in that encoding"


def test_toml_with_the_mark_that_some_editors_put_first(bare_environment: Path) -> None:
    (bare_environment / "lockstep.toml").write_bytes(
        b"\xef\xbb\xbflog_level = 'ERROR'\r\nkeep_runs_days = 3\r\n"
    )
    read = load_settings()
    assert (read.log_level, read.keep_runs_days) == ("ERROR", 3)


@pytest.mark.parametrize("name", ["lockstep.toml", ".env"])
def test_a_file_in_utf_16_is_told_with_the_mend(
    name: str, bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / name).write_text("NOTION_TOKEN='ntn_secret'\n", "utf-16")
    assert problems(monkeypatch) == (f"{name} is in UTF-16: save it as UTF-8",)


def test_an_unknown_key_names_the_nearest(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_environment / "lockstep.toml").write_text('redis_ulr = "redis://x"\nLOG_LEVEL = "INFO"\n')
    assert problems(monkeypatch) == (
        "lockstep.toml has an unknown key 'redis_ulr': did you mean redis_url?",
        "lockstep.toml has an unknown key 'LOG_LEVEL': did you mean log_level?",
    )


def test_sync_that_is_not_a_list_of_tables(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_environment / "lockstep.toml").write_text('[sync]\nname = "x"\n')
    assert problems(monkeypatch) == (
        "sync in lockstep.toml cannot be read: write each task as a table [[sync]]",
    )


def test_no_secret_is_shown(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_environment / "lockstep.toml").write_text('[[sync]]\npassword = "caldav-pass-5"\n')
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump_json(exclude={'sync'})}"
    for secret in (*HIDDEN, "caldav-pass-5"):
        assert secret not in shown
    assert settings.notion_token is not None
    assert settings.notion_token.get_secret_value() == TOKEN


@pytest.mark.parametrize("variable", SECRETS)
def test_no_wrong_secret_is_repeated(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    (line,) = problems(monkeypatch, **{variable: "wrong value\twith 8f3k2j"})
    assert "8f3k2j" not in line
    assert line.startswith(f"{variable} ")


def test_urls_for_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.redis_address().endswith("/2?ssl_cert_reqs=required")
    assert load_settings(redis_verify=False).redis_address().endswith("/2?ssl_cert_reqs=none")
    assert (
        load_settings(redis_url="rediss://h?ssl_cert_reqs=CERT_NONE").redis_address()
        == "rediss://h?ssl_cert_reqs=none"
    )
    assert settings.sql_url().startswith("postgresql+psycopg://lockstep:")


def test_no_broker_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"REDIS_URL is not set: .*lockstep up"):
        load_settings().redis_address()


def test_other_variables_of_dotenv_reach_the_environment(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare_environment / ".env").write_text("CALDAV_USERNAME=dotenv\nCALDAV_PASSWORD=from-dotenv\n")
    monkeypatch.setenv("CALDAV_USERNAME", "environment")
    monkeypatch.setenv("CALDAV_PASSWORD", "to be removed again")
    monkeypatch.delenv("CALDAV_PASSWORD")
    get_settings()
    assert os.environ["CALDAV_USERNAME"] == "environment"
    assert os.environ["CALDAV_PASSWORD"] == "from-dotenv"


def test_settings_of_a_process_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = get_settings()
    monkeypatch.setenv("LOCKSTEP_LOG_LEVEL", "DEBUG")
    assert get_settings() is first
    assert isinstance(first, Settings)
