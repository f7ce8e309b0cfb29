"""The functions of docs/data-change.md, run on events as the vendors document them: what they send is what is taken."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from modelyard.github import told
from tests.object_servers import Door, Given, always, door

PAGE = (Path(__file__).parents[2] / "docs" / "data-change.md").read_text("utf-8")
SENDER, S3, GCS, AZURE, HUB = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    with door() as opened:
        opened.meet = always(Given(204))
        monkeypatch.setenv("REPOSITORY", "acme/demo")
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_send")
        module = ModuleType("github")
        exec(SENDER.replace("https://api.github.com", opened.url), module.__dict__)  # noqa: S102 - our own page
        monkeypatch.setitem(sys.modules, "github", module)
        yield opened


def run(text: str, *given: Any) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - our own page
    return names["handler"](*given)


def sources(github: Door) -> list[str]:
    assert {(each.method, each.path) for each in github.asked} <= {("POST", "/repos/acme/demo/dispatches")}
    assert all(each.headers["Authorization"] == "Bearer ghs_send" for each in github.asked)
    bodies = [json.loads(each.body) for each in github.asked]
    assert all((each["event_type"], set(each)) == (told.TYPE, {"event_type", "client_payload"}) for each in bodies)
    return [told.read(each["client_payload"]) for each in bodies]


def test_s3_tells_of_each_object(github: Door) -> None:
    objects = [{"key": "2013/a+b%C3%A9.csv", "size": 1, "eTag": "x"}, {"key": "2013/09.csv"}]
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "flights"}, "object": each}} for each in objects
    ]
    run(S3, {"Records": records}, None)
    assert sources(github) == ["s3://flights/2013/a+b%C3%A9.csv", "s3://flights/2013/09.csv"]


def test_eventbridge_needs_no_function() -> None:
    paths, template = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)[1:]
    event = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": "flights"}, "object": {"key": "2013/09.csv"}},
    }
    text = template
    for name, path in json.loads(paths).items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", value)
    assert told.read(json.loads(text)["client_payload"]) == "s3://flights/2013/09.csv"


def test_google_tells_of_an_object(github: Door) -> None:
    run(
        GCS,
        SimpleNamespace(
            data={"bucket": "flights", "name": "2013/a b.csv", "size": "352", "generation": "1587627537231057"}
        ),
    )
    assert sources(github) == ["gs://flights/2013/a%20b.csv"]


def test_azure_tells_of_a_blob(github: Door) -> None:
    data = {"api": "PutBlockList", "url": "https://me.blob.core.windows.net/flights/2013/09.csv", "contentLength": 447}
    run(AZURE, SimpleNamespace(get_json=lambda: data))
    assert sources(github) == ["az://flights/2013/09.csv"]


def test_hugging_face_tells_of_a_push_and_of_nothing_else(github: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "sesame")
    event = {"action": "update", "scope": "repo.content"}
    push: dict[str, Any] = {
        "event": event,
        "repo": {"type": "dataset", "name": "me/flights", "headSha": "0" * 40, "private": False},
    }
    assert run(HUB, {"X-Webhook-Secret": "guess"}, push) == 403
    assert run(HUB, {}, push) == 403
    talk = {**push, "event": {"action": "create", "scope": "discussion"}}
    model = {**push, "repo": {**push["repo"], "type": "model"}}
    assert [run(HUB, {"X-Webhook-Secret": "sesame"}, each) for each in (push, talk, model)] == [204, 204, 204]
    assert sources(github) == ["hf://datasets/me/flights"]
