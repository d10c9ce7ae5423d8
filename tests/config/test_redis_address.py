"""`REDIS_URL`: what one library cannot read, or reads otherwise than another, is refused before anything starts."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from celery import Celery
from kombu import Connection
from redis.connection import parse_url

from config import SettingsError, load_settings
from config.celery import celery_settings
from config.redis_address import for_celery


def address(url: str) -> str:
    return load_settings(redis_url=url).redis_address()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://h/0?db=3", "behind a slash"),
        ("redis://h?db=3", "behind a slash"),
        ("redis://h?socket_timeout=5", "leave it out"),
        ("redis://h?health_check_interval=5", "leave it out"),
        ("redis://h?max_connections=5", "leave it out"),
        ("redis://h?protocol=2", "leave it out"),
        ("redis://h?client_name=x", "leave it out"),
        ("redis://h?virtual_host=2", "leave it out"),
        ("redis://h?junk", "leave it out"),
        ("rediss://h?ssl_check_hostname=false", "leave it out"),
        ("redis://h?ssl_cert_reqs=none", "use rediss://"),
        ("rediss://h?ssl_cert_reqs=perhaps", "use none, optional or required"),
        ("redis://:pa/ss-word@h:6379/0", "%2F"),
        ("redis://:pa#ss-word@h:6379/0", "%23"),
        ("redis://:pa?ss-word@h:6379/0", "%3F"),
        ("redis://:pa[ss-word@h:6379/0", "percent-encode"),
        ("redis://:pa]ss-word@h:6379/0", "percent-encode"),
        ("redis://:pa ss-word@h:6379/0", "percent-encode"),
        ("redis://:pa\tss-word@h:6379/0", "percent-encode"),
        ("REDIS://:pa/ss-word@h", "%2F"),
        ("redis://h/0#rest", "%23"),
        ("redis://h/0/1", "database number"),
        ("redis://h/²", "database number"),
        ("unix://", "names no socket"),
        ("unix://run/redis.sock", "names no socket"),
        ("unix:///run/redis.sock?db=first", "no number"),
        ("unix:///run/redis.sock?timeout=3", "leave it out"),
        ("redis+socket:///run/redis.sock", "begins with redis+socket://"),
    ],
)
def test_what_is_refused(url: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(redis_url=url)
    assert told in str(caught.value)
    assert "ss-word" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("REDIS://Host:6379/2", "redis://Host:6379/2"),
        ("RedisS://h", "rediss://h?ssl_cert_reqs=required"),
        ("rediss://h?ssl_cert_reqs=CERT_NONE", "rediss://h?ssl_cert_reqs=none"),
        (
            "rediss://h?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none",
            "rediss://h?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none",
        ),
        ("redis://:a;b@h", "redis://:a%3Bb@h"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("unix:///run/a@b/redis.sock?db=4", "unix:///run/a@b/redis.sock?db=4"),
        ("redis://", "redis://"),
    ],
)
def test_what_is_taken_has_one_form(url: str, form: str) -> None:
    assert address(url) == form
    assert address(form) == form


@pytest.mark.parametrize(
    "word", ["plain", "a/b", "#", "?x=1", "a@b:c", "50%", "ü", "x+y", ";", "[1]", "&", "%2F"]
)
@pytest.mark.parametrize(
    "place",
    ["redis://{}@example.org:6380/3", "rediss://{}@example.org/3", "unix://{}@/run/Redis/r.sock?db=3"],
)
def test_every_library_reads_the_same(word: str, place: str) -> None:
    login = f"{quote('me' + word, safe='')}:{quote(word, safe='')}"
    settings = load_settings(redis_url=place.format(login))
    asked = parse_url(settings.redis_address())
    app = Celery("reader", set_as_current=False)
    app.conf.update(celery_settings(settings))
    stored = app.backend.connparams
    sent = Connection(for_celery(settings.redis_address()))
    assert asked["password"] == stored["password"] == word
    assert asked["username"] == stored["username"] == "me" + word
    assert asked["db"] == stored["db"] == 3
    if place.startswith("unix"):
        assert asked["path"] == stored["path"] == "/run/Redis/r.sock"
    else:
        assert (sent.userid, sent.password) == ("me" + word, word)
        assert asked["host"] == stored["host"] == sent.hostname == "example.org"
        assert sent.virtual_host == "3"
