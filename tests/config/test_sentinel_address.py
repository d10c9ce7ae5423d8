"""`REDIS_URL` with sentinels: one form for all, and every library is told the same by it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from celery import Celery

from config import SettingsError, load_settings
from config.celery import celery_settings
from config.redaction import MASK, redactor_for
from config.sentinel_address import SentinelAddress, parsed
from worker.redis_client import address, connect
from worker.redis_sentinel import EncryptedConnection, PrimaryPool


def form(url: str) -> str:
    return load_settings(redis_url=url).redis_address()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sentinel://h:26379/0", "?service="),
        ("sentinel://h/0?service=", "?service="),
        ("sentinel://?service=x", "names no sentinel"),
        ("sentinel://h1:26379,/0?service=x", "names no sentinel"),
        ("sentinel://h1:port/0?service=x", "port that cannot be read"),
        ("sentinel://h1:0/0?service=x", "port that cannot be read"),
        ("sentinel://h1:70000/0?service=x", "port that cannot be read"),
        ("sentinel://[::1/0?service=x", "port that cannot be read"),
        ("sentinel://h1:26379;sentinel://h2:26379/0", "commas between them"),
        ("sentinel://h/first?service=x", "database number"),
        ("sentinel://h/0?service=x&ssl_cert_reqs=none", "use sentinels://"),
        ("sentinels://h/0?service=x&ssl_cert_reqs=perhaps", "use none, optional or required"),
        ("sentinel://h/0?service=x&socket_timeout=5", "leave it out"),
        ("sentinel://:pa/ss-word@h/0?service=x", "%2F"),
        ("sentinel://:pa#ss-word@h/0?service=x", "%23"),
        ("sentinel://h/0?service=x#ss-word", "%23"),
    ],
)
def test_what_is_refused(url: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(redis_url=url)
    assert told in str(caught.value)
    assert "ss-word" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("SENTINEL://H1,h2:5/?service=x", "sentinel://H1:26379,h2:5/0?service=x"),
        ("sentinel://me:a%2Fb@h/3?service=x", "sentinel://me:a%2Fb@h:26379/3?service=x"),
        ("sentinel://[::1]:5,[fe80::2]?service=x", "sentinel://[::1]:5,[fe80::2]:26379/0?service=x"),
        ("sentinel://h,h:26379?service=a%20b", "sentinel://h:26379/0?service=a%20b"),
        ("sentinels://h?service=x", "sentinels://h:26379/0?service=x&ssl_cert_reqs=required"),
        (
            "sentinels://h?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=CERT_NONE&service=x&sentinel_password=p%26q",
            "sentinels://h:26379/0?service=x&sentinel_password=p%26q&ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none",
        ),
    ],
)
def test_what_is_taken_has_one_form(url: str, expected: str) -> None:
    assert form(url) == expected
    assert form(expected) == expected


@pytest.mark.parametrize("word", ["plain", "a/b", "#", "?x=1", "a@b:c", "50%", "ü", "x+y", ";", "a,b", "&"])
def test_every_library_reads_the_same(word: str) -> None:
    coded = quote(word, safe="")
    login = f"me{coded}:{coded}"
    url = f"sentinels://{login}@h1,h2:5/3?service=main&sentinel_user=s&sentinel_password={coded}"
    settings = load_settings(redis_url=url)
    hosts = [("h1", 26379), ("h2", 5)]
    with connect(settings) as client:
        pool = client.connection_pool
        assert isinstance(pool, PrimaryPool)
        assert pool.connection_class is EncryptedConnection
        asked = pool.connection_kwargs
        sentinels = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
        assert address(client) == "main of the sentinels h1:26379, h2:5"
    assert (asked["username"], asked["password"], asked["db"]) == ("me" + word, word, 3)
    assert [(each["host"], each["port"]) for each in sentinels] == hosts
    assert {(each["username"], each["password"]) for each in sentinels} == {("s", word)}

    app = Celery("reader", set_as_current=False)
    app.conf.update(celery_settings(settings))
    stored = app.backend.connparams
    assert [(each["host"], each["port"]) for each in stored["hosts"]] == hosts
    assert (stored["username"], stored["password"], stored["db"]) == ("me" + word, word, 3)
    with app.connection() as sent:
        assert (sent.userid, sent.password, sent.virtual_host) == ("me" + word, word, "3")
        assert sent.ssl == {"ssl_cert_reqs": "required"}
        assert list(sent.transport_options["sentinels"]) == hosts
        assert sent.transport_options["master_name"] == "main"
        assert sent.transport_options["sentinel_kwargs"]["password"] == word


def test_no_secret_of_it_is_shown(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "sentinel://me:of-the-data@h1,h2/0?service=x&sentinel_password=of-those-who-watch"
    monkeypatch.setenv("REDIS_URL", url)
    settings = load_settings()
    told = redactor_for(settings).text("of-the-data and of-those-who-watch")
    assert told == f"{MASK} and {MASK}"
    shown = repr(parsed(url)) + repr(settings)
    assert "of-the-data" not in shown
    assert "of-those" not in shown


@pytest.mark.parametrize("page", ["deployment.md", "settings.md"])
def test_the_addresses_on_the_pages_are_read(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
    found = re.findall(r"^ +REDIS_URL=(sentinel\S+)$", text, re.MULTILINE)
    assert found
    for url in found:
        at = parsed(form(url))
        assert [host for host, _ in at.sentinels] == ["host1", "host2", "host3"]
        assert (at.service, at.password, at.database) == ("mymaster", "password", 0)


def test_it_can_be_put_together_again() -> None:
    at = SentinelAddress(sentinels=(("h", 1),), service="s", password="")
    assert parsed(at.text()) == at
