"""Hostile text in every free field of every record: nothing of it becomes markup, a link, a mention or a reference."""

import html
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from modelyard.records.envelope import Envelope, Record, Step, plain_record
from modelyard.records.results import RESULTS
from modelyard.report import escape
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown
from tests.report_samples import STORIES, Story, run

ATTACKS = (
    "@octocat",
    "@org/team",
    "&#64;octocat",
    "\\@octocat",
    "#1",
    "closes #12",
    "GH-1",
    "owner/repo#5",
    "owner/repo@3f2a9c41d07be5628fa01c93d4e7b8a65c10f2ed",
    "3f2a9c41d07be5628fa01c93d4e7b8a65c10f2ed",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "[x]: https://evil.example",
    "[x][x]",
    "<https://evil.example>",
    "https://evil.example/a",
    "http://evil.example",
    "ftp://evil.example",
    "www.evil.example",
    "WWW.evil.example",
    "mailto:a@evil.example",
    "a@evil.example",
    "<!-- modelyard:comment v1 model=x -->",
    "<!--",
    "-->",
    "</details>",
    "</summary></details><h1>x</h1>",
    "</style><style>*{display:none}",
    "</title>",
    "</svg>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "`",
    "``",
    "```\nx\n```",
    "~~~",
    "|",
    "\\|",
    "a | b | c\n|---|---|",
    "\n\n# x",
    "\n---\n",
    "\r\n- [ ] x",
    "\n    x",
    "1. x",
    "***x***",
    "__x__",
    "_x_",
    "~~x~~",
    "> x",
    "$$x$$",
    "$`x`$",
    ":tada:",
    "[^1]",
    "[!NOTE]",
    "\\",
    "&lt;b&gt;",
    "\u202ereversed",
    "\u0000",
    "\u200b",
    "\u2028",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306",
    "x" * 3_000,
)
ATTACKED: tuple[Story, ...] = ("hold", "failed-data", "error", "promoted")
hostile = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=6), min_size=1, max_size=4).map("".join)

# What GitHub makes of plain text once it is rendered: cmark-gfm's autolink extension and github.com's own filters.
TRIGGERS = {
    "mention": re.compile(r"(?<![\w`])@[A-Za-z0-9]"),
    "mail": re.compile(r"[\w.+-]@[A-Za-z0-9]"),
    "issue": re.compile(r"#[0-9]"),
    "issue by GH": re.compile(r"(?:GH|GHSA|CVE)-[0-9]", re.IGNORECASE),
    "address": re.compile(r"(?:https?|ftp)://|www\.|(?:mailto|xmpp):", re.IGNORECASE),
    "commit": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])"),
    "emoji": re.compile(r":(?:tada|100|\+1):"),
}
FOLD = re.compile(r"<details><summary>([^<>]*)</summary>\n?|</details>\n?")


@cache
def free_fields(story: Story) -> tuple[tuple[Step, tuple[str | int, ...]], ...]:
    """Every place of a record that takes any text."""
    found = []
    takes_any: dict[tuple[Step, str], bool] = {}
    for step, item in run(story).items():
        plain = plain_record(item.record)
        for path in _strings(plain, ()):
            key = (step, _pattern(path))
            if key not in takes_any:
                takes_any[key] = _valid(_with(plain, path, "anything"))
            if takes_any[key]:
                found.append((step, path))
    return tuple(found)


def _pattern(path: tuple[str | int, ...]) -> str:
    return "/".join("*" if isinstance(part, int) else part for part in path)


def _strings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, (*path, index))


def _with(plain: Any, path: tuple[str | int, ...], text: str) -> Any:
    if not path:
        return text
    head, *rest = path
    if isinstance(plain, dict):
        return {key: _with(inner, tuple(rest), text) if key == head else inner for key, inner in plain.items()}
    return [_with(inner, tuple(rest), text) if index == head else inner for index, inner in enumerate(plain)]


def _valid(plain: dict[str, Any]) -> bool:
    try:
        record = Record.model_validate(plain)
        if record.result is not None:
            RESULTS.get(record.step).result.model_validate(record.result)
    except ValidationError:
        return False
    return True


def poisoned(story: Story, text: str) -> dict[Step, Envelope]:
    """The records of a story with this text in every free field, and as a key of every free mapping."""
    records = run(story)
    plains = {step: plain_record(item.record) for step, item in records.items()}
    for step, path in free_fields(story):
        plains[step] = _with(plains[step], path, text)
    for step, plain in plains.items():
        result = plain["result"] or {}
        if step == "evaluate" and result:
            result["unmatched"] = {text: 3}
        if step == "train" and result:
            result["own_metrics"] = {text: text}
            result["candidates"][0]["params"] = {text: text}
        if step == "detect":
            plain["data"] = {text: next(iter(plain["data"].values()))}
    return {step: Envelope.seal(Record.model_validate(plain)) for step, plain in plains.items()}


def _leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _leaves(token.children or [])


def assert_only_ours(source: str) -> None:
    """Parse as GitHub does and look at every node."""
    assert "<!--" not in source
    parser = MarkdownIt("gfm-like", {"linkify": False})
    folds = 0
    for token in _leaves(parser.parse(source)):
        assert token.type not in {"link_open", "image", "em_open", "s_open"}, token
        assert token.type != "html_inline" or token.content in {"<br>", "<sub>", "</sub>"}, token
        if token.type == "fence":
            assert token.info in {"text", "sh", "mermaid"}, token
            assert token.info != "mermaid" or re.fullmatch(r'[\w\s",.>\[\]-]+', token.content), token
        if token.type == "html_block":
            whole = FOLD.fullmatch(token.content)
            assert whole, token.content
            folds += token.content.count("<details>") - token.content.count("</details>")
            assert_inert(html.unescape(whole[1] or ""))
        if token.type == "text":
            assert_inert(token.content)
    assert folds == 0


def assert_inert(text: str) -> None:
    for name, pattern in TRIGGERS.items():
        assert not pattern.search(text), f"{name}: {text!r}"


class _Page(HTMLParser):
    tags = frozenset(
        re.findall(
            r"\w+",
            """html head meta title style body header main section footer div p h1 h2 span strong small code pre ul li
            dl dt dd details summary figure figcaption table caption thead tbody tr th td br svg path line rect circle
            text polyline polygon nav a""",
        )
    )
    attributes = frozenset(
        re.findall(
            r"[\w-]+",
            """lang charset http-equiv content name class id role aria-label aria-labelledby aria-hidden tabindex scope
            data-label open width height viewbox d points r x y x1 x2 y1 y2 cx cy transform overflow href""",
        )
    )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.tags, tag
        for name, value in attrs:
            assert name in self.attributes, (tag, name)
            if name in {"class", "id", "role", "d", "points", "transform", "content"}:
                assert "evil" not in (value or ""), (tag, name, value)
            if name == "href":  # the contents list: a section of this page, by a key of ours
                assert re.fullmatch(r"#[a-z-]+", value or ""), (tag, value)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"


@settings(max_examples=60, deadline=None)
@given(text=hostile)
def test_hostile_text_stays_text_in_markdown(text: str) -> None:
    for story in ATTACKED:
        assert_only_ours(render_markdown(poisoned(story, text)))


@settings(max_examples=40, deadline=None)
@given(text=hostile)
def test_hostile_text_stays_text_in_html(text: str) -> None:
    for story in ATTACKED:
        page = _Page()
        page.feed(render_html(poisoned(story, text)))
        page.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_alone(attack: str) -> None:
    records = poisoned("cannot-tell", attack)
    assert_only_ours(render_markdown(records))
    page = _Page()
    page.feed(render_html(records))


@pytest.mark.parametrize("story", STORIES)
def test_the_page_names_no_address_and_holds_no_script_at_all(story: Story) -> None:
    page = render_html(run(story))
    assert not re.search(r"https?:|//[a-z]|<script|<link|<img|@import|url\(|javascript:", page, re.IGNORECASE)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page


def test_the_fields_under_attack_are_the_ones_that_matter() -> None:
    patterns = {f"{step}/{_pattern(path)}" for step, path in free_fields("hold")}
    assert {
        "detect/model",
        "detect/result/sets/*/name",
        "detect/result/sets/*/added/*",
        "validate/result/suites/*/expectations/*/columns/*",
        "train/result/candidates/*/name",
        "evaluate/result/gates/*/id",
        "evaluate/result/gates/*/metric",
        "evaluate/result/gates/*/slices/*/value",
        "evaluate/result/gates/*/estimate/method/*/code",
        "evaluate/result/reproduce",
        "evaluate/circumstances/event",
    } <= patterns


@settings(deadline=None)
@given(st.text())
def test_a_code_span_gives_back_its_text(text: str) -> None:
    shown = escape.clean(text)
    children = MarkdownIt("gfm-like", {"linkify": False}).parseInline(escape.code(text))[0].children or []
    assert [child.type for child in children] == ["code_inline"]
    assert children[0].content.replace("<\u200b!", "<!").strip() == (shown.strip() if shown else "")


@settings(deadline=None)
@given(st.text())
def test_running_text_gives_back_its_text(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(escape.plain(text))
    shown = "".join(child.content for token in tokens for child in token.children or [])
    assert shown.replace("\u200b", "") == escape.clean(text)


@settings(deadline=None)
@given(st.text())
def test_a_fenced_block_gives_back_its_lines(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(escape.fenced(text))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content.replace("<\u200b!", "<!") == escape.clean_block(text) + "\n"


@settings(deadline=None)
@given(st.text(alphabet="|\\`ab "))
def test_a_pipe_never_ends_a_table_cell(text: str) -> None:
    cell = escape.code(text, in_table=True)
    source = f"| a | b |\n| --- | --- |\n| {cell} | {escape.plain(text)} |"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(source)
    first, second = [token.children or [] for token in tokens if token.type == "inline"][2:]
    assert [child.content for child in first if child.type == "code_inline"] == [escape.clean(text) or " "]
    shown = "".join(child.content for child in second)
    assert shown.replace("\u200b", "") == escape.clean(text)
    assert tokens[-1].type == "table_close"
