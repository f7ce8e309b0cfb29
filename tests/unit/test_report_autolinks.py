"""Links, mentions and references, behind everything that can stand before them, as GitHub renders them."""

import html
import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from modelyard.report import escape

PREFIXES = (
    "",
    *"_*~([{<>\"'`|\\/.,;:!?#@&$%^=+-",
    "a",
    "ä",
    "9",
    "\u3000",
    "\u00a0",
    "__",
    "**",
    "(_",
    "*(",
    "\\_",
    "&#95;",
)
TRIGGERS = (
    "www.evil.example", "WWW.evil.example", "https://evil.example", "http://evil.example", "ftp://evil.example",
    "mailto:a@evil.example", "xmpp:a@evil.example", "a@evil.example", "GH-1", "gh-12", "GHSA-2j8x-9f4q",
    "CVE-2024-1234",
    "owner/repo#1", "#1", "@octocat", "owner/repo@3f2a9c41d07be5628fa01c93d4e7b8a65c10f2ed",
    "3f2a9c41d07be5628fa01c93d4e7b8a65c10f2ed", "[x](https://evil.example)", "![x](y)", "<b>x</b>",
)  # fmt: skip
REFERENCES = re.compile(
    r"(?:GH|GHSA|CVE)-[0-9a-z]|#[0-9]|(?<![\w`])@[A-Za-z0-9]|[0-9a-f]{7,40}(?![0-9A-Za-z])", re.IGNORECASE
)
"""What github.com's own filters look for in the text of a rendered page."""


def rendered(markdown: str) -> str:
    made: str = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return made


@pytest.mark.parametrize("suffix", ["", " x", "_", ")", "/a"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_nothing_becomes_a_link_or_a_reference_whatever_stands_before_it(trigger: str, suffix: str) -> None:
    for prefix in PREFIXES:
        text = f"{prefix}{trigger}{suffix}"
        places = {
            "paragraph": escape.plain(text),
            "list": f"- {escape.plain(text)}",
            "heading": f"## {escape.plain(text)}",
            "cell": f"| a |\n|---|\n| {escape.plain(text)} |",
            "after markup": f"**x** {escape.plain(text)}",
            "fold": f"<details><summary>{escape.html(text)}</summary>\n</details>",
        }
        for place, markdown in places.items():
            page = rendered(markdown)
            assert not re.search(r"<(?:a|img|b)\b", page), (place, text, page)
            seen = html.unescape(re.sub(r"<[^>]*>", "", page))
            assert not REFERENCES.search(seen), (place, text, seen)


def test_the_check_sees_what_is_not_escaped() -> None:
    assert "<a " in rendered("_www.evil.example")
    assert REFERENCES.search("_GH-1")
