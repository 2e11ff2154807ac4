"""deploy/: what its files promise, and that what they start works together."""

from __future__ import annotations

import base64
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from rag_pipeline_tests.distributed.deployment import COMPOSE, VARIABLE, proxy, services
from rag_pipeline_tests.programs import NGINX, needs
from rag_pipeline_tests.servers import free_port, wait_for_port

TEXT = COMPOSE.read_text(encoding="utf-8")
OURS = ("code", "webserver", "daemon", "app-1", "app-2", "reader", "embedder", "bucket")
AS_IT_COMES = {"postgresql", "proxy"}
"""These begin as root and give that up themselves."""


@pytest.mark.parametrize("name", services(TEXT))
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = services(TEXT)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name in AS_IT_COMES or "unprivileged" in service["image"] or int(service["user"].partition(":")[0]) > 0
    assert service["healthcheck"]
    assert ":" in service["image"] or name in OURS  # no floating version
    if name != "proxy":
        assert "ports" not in service
        assert service["networks"] == ["inside"]


def test_every_secret_is_asked_for_and_none_has_a_value() -> None:
    asked = {name for name, message in VARIABLE.findall(TEXT) if message}
    assert asked == {name for name, _ in VARIABLE.findall(TEXT)}
    example = (COMPOSE.parent / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+)=$", example, re.M)) == asked
    assert not re.search(r"^\w+=.+$", example, re.M)
    for service in services(TEXT).values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|TOKEN|URL", variable) and "@" in str(value) + "@" * ("URL" not in variable):
                assert "${" in value, variable


def test_volumes_and_networks_are_those_that_are_declared() -> None:
    whole = yaml.safe_load(TEXT)
    used = {str(volume).partition(":")[0] for service in whole["services"].values() for volume in service.get("volumes", ())}
    assert {name for name in used if name[0] not in "/.$"} == set(whole["volumes"])
    assert {name for service in whole["services"].values() for name in service["networks"]} == set(whole["networks"])
    assert whole["networks"]["inside"]["internal"]
    stated = {name for service in whole["services"].values() for name in service.get("depends_on", ())}
    assert stated <= set(whole["services"])


def test_a_worker_is_told_nothing_that_it_does_not_need() -> None:
    told = services(TEXT)["reader"]["environment"]
    assert not {"RAG_DATABASE_URL", "RAG_QDRANT_API_KEY", "RAG_API_TOKENS", "POSTGRES_PASSWORD"} & told.keys()
    assert services(TEXT)["embedder"]["environment"] == told


def test_the_proxy_knows_each_process_of_the_app() -> None:
    known = re.findall(r"server (app-\d+):7860 resolve;", (COMPOSE.parent / "nginx" / "nginx.conf").read_text(encoding="utf-8"))
    assert known == [name for name in services(TEXT) if name.startswith("app-")]
    assert {*known} <= services(TEXT)["proxy"]["depends_on"].keys()


@needs(NGINX)
def test_nobody_sees_dagster_without_a_password(tmp_path: Path) -> None:
    (tmp_path / "server_info").write_text("Dagster")
    behind = free_port()
    server = subprocess.Popen(["python3", "-m", "http.server", str(behind), "--bind", "127.0.0.1"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(behind)
        with proxy(tmp_path, (behind, behind), behind) as doors:
            assert status(f"http://127.0.0.1:{doors[1]}/server_info") == 401
            assert status(f"http://127.0.0.1:{doors[1]}/server_info", "anna:giraffe") == 401
            assert status(f"http://127.0.0.1:{doors[1]}/server_info", "anna:zebra") == 200
            assert status(f"http://127.0.0.1:{doors[0]}/server_info") == 200  # the app asks for tokens itself
    finally:
        server.terminate()
        server.wait(20)


def status(url: str, login: str = "") -> int:
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
