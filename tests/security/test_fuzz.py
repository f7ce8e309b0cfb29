"""Readers of hostile input, fuzzed: whatever comes in, they answer or refuse in words, and nothing else happens.

Short here; ``MODELYARD_FUZZ=20000 pytest tests/security/test_fuzz.py`` takes longer. What was found, and what is worth
trying on every change, stands in ``corpus/<reader>/``, a file an input.
"""

import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.github import workflow_run
from modelyard.github.workflow_run import Artifact
from modelyard.models.environment import read_requirements
from modelyard.records.envelope import Envelope, Record, read_record
from modelyard.report import escape
from modelyard.report.renderers.markdown import render_markdown
from modelyard.validation.suite import load_suite
from tests.report_samples import run

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = int(os.environ.get("MODELYARD_FUZZ", "60"))
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Reader = Callable[[bytes], None]


def in_words(error: ModelyardError) -> None:
    """Fail where an error has no code or says nothing."""
    for each in error.problems:
        if not (each.code and each.message):
            pytest.fail(f"{each!r} says nothing")


def kept(reader: str) -> list[Any]:
    """The inputs of a reader's corpus."""
    return [pytest.param(path.read_bytes(), id=path.name) for path in sorted((CORPUS / reader).iterdir())]


def changed(samples: list[bytes]) -> st.SearchStrategy[bytes]:
    """Samples with pieces cut out, doubled, and put in; and anything at all."""
    piece = st.binary(max_size=12) | st.sampled_from(
        [b"\0", b"\xff\xfe", b"[" * 200, b"{" * 200, b'"', b"\\u0000", b"\\ud800", b"NaN", b"1e999", b"-0", b"9" * 400,
         b"../", b"null", b"\xe2\x80\xae", b"\n", b"\r", b"PK\x05\x06", b"PK\x01\x02"]
    )  # fmt: skip

    @st.composite
    def change(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(samples))
        for _ in range(draw(st.integers(1, 4))):
            at, to = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
            to = min(to, at + draw(st.sampled_from([0, 1, 4, 64, 1 << 20])))
            data = data[:at] + draw(piece) + data[to:]
        return data

    return change() | st.binary(max_size=200)


# records


@pytest.fixture(scope="module")
def folder() -> Any:
    with tempfile.TemporaryDirectory(prefix="modelyard-fuzz-") as made:
        yield Path(made)


def reads_record(data: bytes, folder: Path) -> None:
    path = folder / "record.json"
    path.write_bytes(data)
    try:
        envelope = read_record(path)
    except DataError as error:
        in_words(error)
        return
    render_markdown({envelope.record.step: envelope}, budget=20_000)


RECORDS = [envelope.to_bytes() for envelope in run("hold").values()]
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({})
)


@st.composite
def resealed(draw: st.DrawFn) -> bytes:
    """Records with other values in them, sealed again as whoever writes them can, where they are records at all."""
    plain = json.loads(draw(st.sampled_from(RECORDS)))["record"]
    for _ in range(draw(st.integers(1, 3))):
        node, path = plain, []
        while isinstance(node, dict | list) and node:
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            path.append((node, key))
            node = node[key]
            if draw(st.integers(0, 5)) == 0:
                break
        holder, key = path[-1]
        holder[key] = draw(LEAVES)
    try:
        return Envelope.seal(Record.model_validate(plain)).to_bytes()
    except (ValueError, DataError, TypeError, AttributeError, KeyError):
        return json.dumps(
            {"digest": "sha256:" + "0" * 64, "result_digest": "sha256:" + "0" * 64, "record": plain}
        ).encode()


@fuzzed
@given(changed(RECORDS) | resealed())
def test_any_record_is_read_or_refused(folder: Path, data: bytes) -> None:
    reads_record(data, folder)


@pytest.mark.parametrize("data", kept("record"))
def test_kept_records(data: bytes, folder: Path) -> None:
    reads_record(data, folder)


# archives


class Kept:
    """A GitHub that has one archive."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def download(self, _path: str, to: Path, **_: Any) -> None:
        to.write_bytes(self.data)


MEMBERS = ("records/detect.json", "records/evaluate.json")


def reads_archive(data: bytes, _folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="modelyard-fuzz-") as made:
        here = Path(made) / "here"
        here.mkdir()
        client: Any = Kept(data)
        try:
            workflow_run.fetch(client, Artifact("m", 1, len(data)), MEMBERS, here)
        except PlatformError as error:
            in_words(error)
        written = {path.relative_to(made).as_posix() for path in Path(made).rglob("*") if not path.is_dir()}
        assert written <= {f"here/m/{name}" for name in MEMBERS}
        assert not [path for path in Path(made).rglob("*") if path.is_symlink()]


def packed(members: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in members.items():
            into.writestr(name, data)
    return made.getvalue()


names = st.sampled_from([*MEMBERS, "../x", "/etc/x", "records/../../x", "records", "C:\\x", "records/evaluate.json/x"])
archives = st.dictionaries(
    names | st.text(min_size=1, max_size=8).filter(lambda name: name[0] != "\0"), st.binary(max_size=40), max_size=5
).map(packed)
ARCHIVES = [packed(dict.fromkeys(MEMBERS, b"{}")), packed({"../x": b"x", MEMBERS[0]: b"1" * 5000})]


@fuzzed
@given(changed(ARCHIVES) | archives)
def test_any_archive_gives_named_members_or_is_refused(folder: Path, data: bytes) -> None:
    reads_archive(data, folder)


@pytest.mark.parametrize("data", kept("archive"))
def test_kept_archives(data: bytes, folder: Path) -> None:
    reads_archive(data, folder)


# suites


class Library:
    """An engine that knows one expectation, so that reading is what is tried."""

    name = title = package = "library"

    def version(self) -> str:
        return "library 1"

    def knows(self) -> Mapping[str, frozenset[str]]:
        return {"expect_x": frozenset({"column", "value_set", "min_value"})}

    def checks(self, _kind: str, _arguments: Mapping[str, Any]) -> None:
        return None

    def evaluates(self, expression: str, parameters: Mapping[str, Any]) -> Any:
        return parameters[expression]

    def asks_for_time(self, expression: str) -> bool:
        return "now" in expression


SUITES = [
    json.dumps(each, indent=1).encode()
    for each in (
        {"name": "s", "expectations": [{"type": "expect_x", "kwargs": {"column": "a", "value_set": [1, "x", None]}}]},
        {"expectation_suite_name": "s", "evaluation_parameters": {"p": 1}, "expectations": [
            {"expectation_type": "expect_x", "kwargs": {"min_value": {"$PARAMETER": "p"}}, "severity": "warning"},
            {"expectation_type": "expect_x", "kwargs": {"column": "b"}, "meta": {"notes": [1, 2]}}]},
    )
]  # fmt: skip


def reads_suite(data: bytes, folder: Path) -> None:
    (folder / "suite.json").write_bytes(data)
    engine: Any = Library()
    try:
        suite = load_suite("suite.json", folder, engine)
    except ConfigError as error:
        in_words(error)
        return
    assert any(item.severity == "critical" for item in suite.items)


@fuzzed
@given(changed(SUITES))
def test_any_suite_is_read_or_refused_with_its_mistakes(folder: Path, data: bytes) -> None:
    reads_suite(data, folder)


@pytest.mark.parametrize("data", kept("suite"))
def test_kept_suites(data: bytes, folder: Path) -> None:
    reads_suite(data, folder)


# requirements

REQUIREMENTS = [
    b"numpy==2.3.1\nscikit_learn >=1.7, <2 # c\npandas[parquet]==3 ; python_version >= '3.11'\n",
    b"six==1.16.0 --hash=sha256:" + b"0" * 64 + b" \\\n  --hash=sha256:" + b"1" * 64 + b"\n",
    b"six==1 --hash --index-url=http://127.0.0.1\nsix @ file:///six.whl\n-e .\n",
]


def reads_requirements(data: bytes, folder: Path) -> None:
    path = folder / "pins.txt"
    path.write_bytes(data)
    try:
        pins = read_requirements(path)
    except ConfigError as error:
        in_words(error)
        return
    for pin in pins:
        line = str(pin.requirement)
        assert len(line.splitlines()) == 1, "what goes to the installer is one line"
        assert re.match(r"[A-Za-z0-9]", line), line
        assert pin.requirement.url is None
        assert " -" not in line.partition(";")[0], line
        assert all(re.fullmatch(r"sha(256|384|512):[0-9a-f]+", each) for each in pin.hashes)


@fuzzed
@given(changed(REQUIREMENTS) | st.text("ab-=[]@;:/\\ #\n\r\x0b\x0c\u2028'\"<>!~.*0", max_size=60).map(str.encode))
def test_any_pins_are_names_and_versions_or_refused(folder: Path, data: bytes) -> None:
    reads_requirements(data, folder)


@pytest.mark.parametrize("data", kept("requirements"))
def test_kept_requirements(data: bytes, folder: Path) -> None:
    reads_requirements(data, folder)


# escaping

TAG = re.compile(r"<\s*(/?)([A-Za-z][A-Za-z0-9-]*)")
ALLOWED = {"p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "br"}


def escapes(data: bytes, _folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    places = [
        escape.plain(text), f"| {escape.plain(text)} | {escape.code(text, in_table=True)} |", escape.code(text),
        escape.fenced(text), f"<details><summary>{escape.html(text)}</summary>\n\nx\n\n</details>",
    ]  # fmt: skip
    places[1] = f"| a | b |\n|---|---|\n{places[1]}"
    for place in places:
        place.encode()
        made = cmarkgfm.github_flavored_markdown_to_html(place, options=Options.CMARK_OPT_UNSAFE)
        assert {name.lower() for _, name in TAG.findall(made)} <= ALLOWED, (place, made)
        assert "<!--" not in made
    page = escape.clean(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


TEXTS = [each.encode() for each in (
    "_www.evil.example", "<img src=x onerror=alert(1)>", "[x](javascript:x)", "a|b\\|c", "`` ` ``",
    "<!-- modelyard -->",
    "@octocat #1 GH-1", "```\n</details>", "\u202ex", "1. x\n- y\n> z", "~~~\n<b>", "&lt;script&gt;", "\\<b\\>",
)]  # fmt: skip


@fuzzed
@given(changed(TEXTS) | st.text("<>[]()!`~*_|\\&#@:/w.-= \nab1", max_size=40).map(str.encode))
def test_any_text_stays_text_where_it_is_shown(folder: Path, data: bytes) -> None:
    escapes(data, folder)


@pytest.mark.parametrize("data", kept("escape"))
def test_kept_texts(data: bytes, folder: Path) -> None:
    escapes(data, folder)
