"""`LOCKSTEP_BROKER_URL`: one form for all, what does not fit is refused, and nobody is shown the password."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection

from config import SettingsError, load_settings
from config.amqp_address import parsed
from config.celery import celery_settings
from config.redaction import redactor_for


def form(url: str) -> str:
    found = load_settings(broker_url=url).broker_url
    assert found is not None
    return found.get_secret_value()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rabbit.example", "is not an address"),
        ("http://rabbit.example", "begins with http://"),
        ("redis://rabbit.example:6379/0", "in the Redis of REDIS_URL"),
        ("sentinel://h/0?service=x", "in the Redis of REDIS_URL"),
        ("amqp:///vhost", "names no host"),
        ("amqp://h1,h2/vhost", "names several servers"),
        ("amqp://h1;amqp://h2", "names several servers"),
        ("amqp://h:port/vhost", "host or port that cannot be read"),
        ("amqp://h/a/b", "%2F"),
        ("amqp://h/a#b", "%23"),
        ("amqp://user:pa/ss-word@h/vhost", "%2F"),
        ("amqp://h/vhost?heartbeat=5", "leave it out"),
        ("amqp://h/vhost?ssl_cert_reqs=none", "use amqps://"),
        ("amqps://h/vhost?ssl_cert_reqs=perhaps", "use none, optional or required"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line(url: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        form(url)
    assert told in str(refused.value)
    assert "ss-word" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_divided_tasks_have_their_queues_in_redis() -> None:
    with pytest.raises(SettingsError, match="LOCKSTEP_REDIS_SHARDS are both set"):
        load_settings(redis_url="redis://a", redis_shards="redis://b", broker_url="amqp://rabbit")


@given(
    user=st.text(min_size=1, max_size=8).filter(str.strip),
    password=st.text(min_size=1, max_size=8).filter(str.strip),
    vhost=st.text(max_size=8),
    port=st.none() | st.integers(1, 65535),
)
def test_kombu_reads_what_was_meant(user: str, password: str, vhost: str, port: int | None) -> None:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    place = "rabbit.example" if port is None else f"rabbit.example:{port}"
    url = form(f"AMQP://{login}@{place}/{quote(vhost, safe='')}")
    assert form(url) == url
    at = parsed(url)
    assert (at.host, at.port, at.user, at.vhost) == ("rabbit.example", port or 5672, user, vhost or "/")
    connection = Connection(at.url)
    assert (connection.hostname, connection.userid, connection.password) == ("rabbit.example", user, password)
    assert (connection.virtual_host or "/") == at.vhost
    assert password not in at.shown or password in f"rabbit.example:{at.port}/{at.vhost}"


@pytest.mark.parametrize(
    ("options", "mode", "compared"),
    [
        ("", ssl.CERT_REQUIRED, True),
        ("?ssl_cert_reqs=CERT_NONE", ssl.CERT_NONE, False),
        ("?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem", ssl.CERT_REQUIRED, True),
    ],
)
def test_a_certificate_is_asked_for_unless_that_is_said(
    options: str, mode: ssl.VerifyMode, compared: bool
) -> None:
    settings = load_settings(redis_url="redis://h", broker_url=f"amqps://rabbit/v{options}")
    told = celery_settings(settings)
    assert told["broker_url"] == "amqps://rabbit/v"
    assert told["broker_use_ssl"]["cert_reqs"] is mode
    assert ("server_hostname" in told["broker_use_ssl"]) is compared
    assert told["broker_use_ssl"].get("ca_certs") == ("/etc/ca.pem" if "/etc/ca.pem" in options else None)


def test_locks_and_results_stay_in_redis() -> None:
    told = celery_settings(load_settings(redis_url="redis://h:1/2", broker_url="amqp://rabbit/v"))
    assert told["broker_url"] == "amqp://rabbit/v"
    assert told["result_backend"] == "redis://h:1/2"
    assert told["broker_transport_options"]["confirm_publish"]
    assert not told["task_acks_late"]


def test_nobody_is_shown_the_password() -> None:
    settings = load_settings(broker_url="amqp://bunny:carrots-9@rabbit/v")
    assert "carrots-9" not in repr(settings)
    assert "carrots-9" not in redactor_for(settings).text("amqp://x cannot log in with carrots-9 at rabbit")


def test_the_address_on_the_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/deployment.md").read_text(encoding="utf-8")
    part = page.split("## RabbitMQ as the broker")[1]
    for line in re.findall(r"^    (\w+=\S+)$", part, re.MULTILINE):
        monkeypatch.setenv(*line.split("=", 1))
    settings = load_settings()
    assert settings.broker_url is not None
    at = parsed(settings.broker_url.get_secret_value())
    assert (at.shown, at.user) == ("rabbitmq:5672/lockstep", "lockstep")
    assert settings.redis_address() == "redis://:password@redis:6379/0"
