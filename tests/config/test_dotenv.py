from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import Settings, SettingsError, load_settings
from config.sources import TABLES, variable_name

SECRET = "8f3k2j-private"
NAMES = sorted(variable_name(name) for name in Settings.model_fields if name not in TABLES)


def problems(text: str, encoding: str = "utf-8") -> tuple[str, ...]:
    Path(".env").write_text(text, encoding=encoding)
    try:
        load_settings()
    except SettingsError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NOTION_TOEKN", "NOTION_TOKEN"),
        ("NOTION-TOKEN", "NOTION_TOKEN"),
        ("notion_token", "NOTION_TOKEN"),
        ("NOTIONTOKEN", "NOTION_TOKEN"),
        ("REDIS_ULR", "REDIS_URL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("SENTRY_DNS", "SENTRY_DSN"),
        ("CALDAV_USERNMAE", "CALDAV_USERNAME"),
        ("CALDAV_PASWORD", "CALDAV_PASSWORD"),
        ("LOCKSTEP_LEASE_SECOND", "LOCKSTEP_LEASE_SECONDS"),
        ("LOCKSTEP_TASK", "LOCKSTEP_TASKS"),
        ("LOCKSTEPS_TASKS", "LOCKSTEP_TASKS"),
        ("LOCKSTEP_REDIS_URL", "REDIS_URL"),
        ("LOCKSTEP_NOTION_TOKEN", "NOTION_TOKEN"),
    ],
)
def test_a_slip_in_a_name_is_one_line_with_what_is_meant(name: str, meant: str) -> None:
    (line,) = problems(f"OTHER=1\n{name}={SECRET}\n")
    assert line.startswith(f".env sets {name}, which is not a setting: did you mean {meant}?")
    assert "\n" not in line
    assert SECRET not in line


@pytest.mark.parametrize("known", NAMES)
def test_every_name_with_two_letters_exchanged_is_told(known: str) -> None:
    swapped = known[:-2] + known[-1] + known[-2]
    if swapped != known:
        (line,) = problems(f"{swapped}=x\n")
        assert f"did you mean {known}?" in line


def test_a_name_that_is_like_none_of_ours_but_has_our_prefix() -> None:
    (line,) = problems("LOCKSTEP_COLOUR=blue\n")
    assert line == ".env sets LOCKSTEP_COLOUR, which is not a setting: docs/settings.md lists those that are"
    (line,) = problems("LOCKSTEP_SYNC=x\n")
    assert line == ".env sets LOCKSTEP_SYNC, which is not a setting: write a table [[sync]] in lockstep.toml"


@pytest.mark.parametrize(
    "name",
    [
        "OTHER", "TOKEN", "NOTION_TOKEN_WORK", "NOTION_TOKENS", "NOTION_PAGE", "MY_NOTION_TOKEN", "REDIS_TLS_URL",
        "REDISCLOUD_URL", "CACHE_REDIS_URL", "REDIS_URL_2", "TEST_DATABASE_URL", "SENTRY_RELEASE",
        "SENTRY_ENVIRONMENT", "NOTION_BASE_ID", "CALDAV_URL", "CALDAV_PASSWORD_ANNA", "FLOWER_PORT", "LOG_LEVEL",
        "PATH", "HTTPS_PROXY", "NODE_PASSWORD", "GITHUB_TOKEN", "TODOIST_TOKEN",
    ],
)  # fmt: skip
def test_variables_of_own_tasks_are_let_through(name: str) -> None:
    assert problems(f"{name}=x\n") == ()


def test_an_own_name_that_is_near_ours_is_let_through_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = problems("MOTION_TOKEN=x\n")
    assert line.endswith("If it is one of your own, add the line NOTION_TOKEN= as well")
    assert problems("MOTION_TOKEN=x\nNOTION_TOKEN=\n") == ()
    monkeypatch.setenv("NOTION_TOKEN", "ntn_x")
    assert problems("MOTION_TOKEN=x\n") == ()


def test_a_near_miss_in_the_environment_is_told_where_the_prefix_is_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCKSTEP_HELPER", "another program's")
    monkeypatch.setenv("NOTION_TOEKN", "another program's")
    assert problems("") == ()
    monkeypatch.setenv("LOCKSTEP_LEASE_SECOND", "5")
    assert problems("") == (
        "LOCKSTEP_LEASE_SECOND in the environment is not a setting: did you mean LOCKSTEP_LEASE_SECONDS?",
    )


def test_slips_and_wrong_values_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKSTEP_LOG_LEVEL", "LOUD")
    first, second = problems("NOTION_TOEKN=x\n")
    assert first.startswith(".env sets NOTION_TOEKN")
    assert second.startswith("LOCKSTEP_LOG_LEVEL is 'LOUD'")


@pytest.mark.parametrize(
    "junk",
    [
        f"my token {SECRET}", f"NOTION_TOKEN: {SECRET}", f'NOTION_TOKEN="{SECRET}', f"set NOTION_TOKEN={SECRET}",
        f"={SECRET}", f'NOTION_TOKEN="a" {SECRET}', "NOTION_TOKEN", "export NOTION_TOKEN", "[section]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_sets_nothing_is_one_line_with_its_number(
    junk: str, end: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = problems(end.join(["# mine", "OTHER=1", "", "", "  " + junk, ""]))
    assert lines == (
        ".env, line 5, sets no variable: write NAME=value, quotes closed, or put # before a remark",
    )
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_every_such_line_is_told() -> None:
    lines = problems("one two\nOTHER=1\nthree four\n")
    assert [line.split(", sets")[0] for line in lines] == [".env, line 1", ".env, line 3"]


def test_what_is_allowed_in_a_file_stays_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_PART", "example")
    text = (
        "# remark\nexport NOTION_BASE_URL='http://notion.example' # remark\n\n  LOCKSTEP_LOG_LEVEL = debug\n"
        'REDIS_URL=redis://${HOST_PART}/0\nOWN="two\nlines"\nEMPTY=\n'
    )
    assert problems(text) == ()
    settings = load_settings()
    assert settings.notion_base_url == "http://notion.example"
    assert settings.log_level == "DEBUG"
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://example/0"


def test_the_mark_that_some_editors_put_first_is_not_part_of_a_name() -> None:
    assert problems("LOCKSTEP_LEASE_SECONDS=8\n", encoding="utf-8-sig") == ()
    assert load_settings().lease_seconds == 8.0


def test_a_directory_of_this_name_is_no_such_file() -> None:
    Path(".env").mkdir()
    assert load_settings() == load_settings(log_level="INFO")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read_is_told() -> None:
    Path(".env").touch(mode=0)
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()
