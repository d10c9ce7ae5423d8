"""Dockerfile, compose file and systemd units: read by what checks them, and true to the Procfile and the settings."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from config import Settings
from config.celery import SOFT_SHUTDOWN_SECONDS
from config.sources import TABLES, variable_name
from tests.deploy.files import DEPLOY, ROOT, UNITS, compose, plain, process_of, procfile, unit

OURS = {variable_name(name) for name in Settings.model_fields if name not in TABLES}
#: Variables that are not settings, and who reads them.
OTHERS = {
    "VALKEY_PASSWORD": "compose file",
    "POSTGRES_PASSWORD": "compose file, PostgreSQL",
    "POSTGRES_USER": "PostgreSQL",
    "POSTGRES_DB": "PostgreSQL",
    "CALDAV_USERNAME": "tasks",
    "CALDAV_PASSWORD": "tasks",
    "REMAP_SIGTERM": "the worker",
    "PYTHONUNBUFFERED": "Python",
    "HOME": "libraries",
    "PATH": "the system",
}
#: Seconds that cancelled runs have to clean up.
CLEANING_UP = 10
dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_compose_starts_what_the_procfile_starts() -> None:
    services = compose()["services"]
    lines = procfile()
    assert set(services) == {*lines, "valkey", "postgres"}
    for name, line in lines.items():
        assert services[name]["command"] == plain(line), name


def test_units_start_what_the_procfile_starts() -> None:
    lines = procfile()
    assert {process_of(path) for path in UNITS} == {*lines}
    for path in UNITS:
        (command,) = unit(path)["Service"]["ExecStart"]
        words = command.removeprefix("/opt/lockstep/bin/").split()
        name_of_worker = [word for word in words if word.startswith("--hostname=")]
        assert len(name_of_worker) == (process_of(path) == "worker")  # two of one name would be taken for one
        assert [word for word in words if word not in name_of_worker] == plain(lines[process_of(path)])


def test_services_wait_for_what_they_need() -> None:
    services = compose()["services"]
    assert services["release"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["release"]["restart"] == "no"
    for name in set(procfile()) - {"release"}:
        needs = {needed: how["condition"] for needed, how in services[name]["depends_on"].items()}
        assert needs.pop("release") == "service_completed_successfully", name
        assert needs == {"valkey": "service_healthy", "postgres": "service_healthy"}, name
        assert services[name]["restart"] == "unless-stopped"
    for name in ("valkey", "postgres", "worker", "web", "flower"):
        assert services[name]["healthcheck"]["test"], name
    for name in ("worker", "beat"):
        assert services[name]["deploy"]["replicas"] == 2


def test_nothing_is_open_to_the_world_and_no_secret_is_written_down() -> None:
    found = compose()
    for name, service in found["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
    for name in ("valkey", "postgres"):
        assert "ports" not in found["services"][name]
        for variable, value in found["services"][name]["environment"].items():
            assert not variable.endswith("PASSWORD") or re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), variable
    kept = set(found["volumes"])
    used = {volume.partition(":")[0] for each in found["services"].values() for volume in each["volumes"]}
    assert kept == used - {"./tasks"}
    for line in (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#") or line.endswith("="), line


@pytest.mark.parametrize("seconds", [SOFT_SHUTDOWN_SECONDS + CLEANING_UP])
def test_a_worker_has_the_time_that_its_runs_get(seconds: float) -> None:
    assert int(compose()["services"]["worker"]["stop_grace_period"].removesuffix("s")) > seconds
    worker = next(unit(path)["Service"] for path in UNITS if process_of(path) == "worker")
    assert int(worker["TimeoutStopSec"][0]) > seconds
    asked = "REMAP_SIGTERM=SIGQUIT"
    assert asked in worker["Environment"]
    assert asked in dockerfile
    assert procfile()["worker"].startswith(asked)


def variables() -> dict[str, set[str]]:
    """The names of variables in each file."""
    found: dict[str, set[str]] = {"compose.yaml": set()}
    for service in compose()["services"].values():
        found["compose.yaml"] |= set(service.get("environment", ()))
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    found["compose.yaml"] |= set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    text = (DEPLOY / "env.example").read_text(encoding="utf-8")
    found["env.example"] = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    found["Dockerfile"] = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", dockerfile, re.MULTILINE))
    for path in UNITS:
        set_there = " ".join(unit(path)["Service"].get("Environment", ()))
        found[path.name] = set(re.findall(r"(\w+)=", set_there))
    return found


def test_every_variable_is_one_that_somebody_reads() -> None:
    found = variables()
    assert {"REDIS_URL", "DATABASE_URL", "VALKEY_PASSWORD"} <= found["compose.yaml"]
    assert {"WEB_PASSWORD", "FLOWER_BASIC_AUTH", "NOTION_TOKEN"} <= found["env.example"]
    assert {"LOCKSTEP_STATE_DIR", "REMAP_SIGTERM"} <= found["Dockerfile"]
    for name, names in found.items():
        assert names <= OURS | OTHERS.keys(), name


def test_the_image_has_what_the_wheel_has_and_runs_as_nobody_special() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    copied = set(re.findall(r"^COPY (\w+) \1/$", dockerfile, re.MULTILINE))
    assert copied == {name.removesuffix("*") for name in packages["packages"]["find"]["include"]}
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for words in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for name in words.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignored, name
    assert "pip install --no-cache-dir --require-hashes -r requirements.txt" in dockerfile
    assert re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE) == re.findall(r"--uid (\d+)", dockerfile)
    assert "://" not in dockerfile
    assert "index" not in dockerfile


def test_the_dockerfile_is_without_a_finding() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint has no wheel for this machine")
    done = subprocess.run(
        [linter, DEPLOY / "Dockerfile"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units_and_finds_them_closed(tmp_path: Path) -> None:
    names = []
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/lockstep/bin", str(Path(sys.executable).parent))
        names.append(path.name.replace("@", "@1"))
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", *arguments, *names]
        return subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    done = analyze("verify", "--man=no")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    levels = analyze("security", "--offline=true", "--threshold=20", "--no-pager")
    assert levels.returncode == 0, levels.stdout
