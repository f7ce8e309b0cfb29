"""Text from records made safe for GitHub Markdown: one function for each place that text can stand in.

Everything in a record is hostile: names of models, columns and files, values of slices, messages of commands. Rendered
text must hold no markup, HTML, link, image, mention, issue reference, commit link, emoji code or formula, and nothing
that looks like a comment marker.

GitHub looks for mentions and references after it has decoded entities and backslashes, so those are broken with a
zero-width space, which nobody sees and nothing joins over.
"""

import re
import unicodedata

ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"
LONGEST = 240
"""Characters of one value that are shown; a longer one ends in an ellipsis."""

_PUNCTUATION = re.compile(r"([\\`*{}#!~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|[\[\]])")
"""What Markdown reads; not an underscore within a word, which opens and closes nothing."""
_NUMBER = r"[+\u2212-]?\d[\d,]{0,20}(?:\.\d{1,12})?"
_INTERVAL = re.compile(rf"\[{_NUMBER}, {_NUMBER}\](?=$|[ .,;)])")
"""Two numbers in brackets: no link without an address behind it, and none can be written: brackets of others, and what
follows these, stay apart."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;"}
_ENTITY = re.compile(r"[&<>|$]")
# What stands before a trigger is left open: GitHub links after "_", "*", "~", "(" and more than a word's edge.
_TRIGGERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"@"), rf"@{ZERO_WIDTH}"),
    (re.compile(r"#(?=[0-9A-Za-z])"), rf"#{ZERO_WIDTH}"),
    (re.compile(r"(GH|GHSA|CVE)-", re.IGNORECASE), rf"\1-{ZERO_WIDTH}"),
    (re.compile(r"://"), f":{ZERO_WIDTH}//"),
    (re.compile(r"(www)\.", re.IGNORECASE), rf"\1{ZERO_WIDTH}."),
    (re.compile(r"(mailto|xmpp):", re.IGNORECASE), rf"\1{ZERO_WIDTH}:"),
    (re.compile(r":(?=(?:100|1234|[+-]1|[\w+-]*[A-Za-z][\w+-]*):)"), f":{ZERO_WIDTH}"),
)
_COMMIT = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{7,}(?![0-9A-Za-z])")
_SIX = re.compile(r".{6}(?=.)")
_LINE_START = re.compile(r"^(-|\+(?=\s|$)|=(?=[=\s]*$))")
_LIST_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9.-]{1,200}(?::\d{1,5})?(?:/[A-Za-z0-9._~%/=-]*)?(?:[?#][A-Za-z0-9._~%/=&-]*)?"
)
_FENCE = re.compile(r"`+")
# Controls, lone surrogates, and the characters that reorder or hide what stands beside them.
_HIDDEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029 ]+")


def clean(text: str, *, longest: int = LONGEST) -> str:
    """Return one line of visible text: line breaks become spaces, hidden and reordering characters are replaced.

    Runs of combining marks are cut to three, so that text stays inside its own line.
    """
    line = _SPACE.sub(" ", text[: 4 * longest]).strip()
    line = _calm(_HIDDEN.sub("\N{REPLACEMENT CHARACTER}", line))
    if len(line) > longest or len(text) > 4 * longest:
        line = line[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return line


def clean_block(text: str, *, longest: int = 4000) -> str:
    """Return text of several lines with its line breaks kept and everything hidden replaced."""
    lines = text[:longest].expandtabs(4).splitlines()
    kept = [_calm(_HIDDEN.sub("\N{REPLACEMENT CHARACTER}", line)).rstrip() for line in lines]
    return "\n".join(kept) + ("\n\N{HORIZONTAL ELLIPSIS}" if len(text) > longest else "")


def spaced(text: str, shown: str) -> str:
    """Return what is shown of a text with the space that the text has at its ends, for pieces that make up a line."""
    if not shown:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{shown}{' ' if text[-1].isspace() else ''}"


def plain(text: str, *, longest: int = LONGEST) -> str:
    """Escape running text: in a paragraph, a table cell, a heading or a link's text."""
    line = clean(text, longest=longest)
    line = _inert(line)
    parts, end = [], 0
    for found in _INTERVAL.finditer(line):
        parts += [_PUNCTUATION.sub(r"\\\1", line[end : found.start()]), found[0]]
        end = found.end()
    line = "".join([*parts, _PUNCTUATION.sub(r"\\\1", line[end:])])
    line = _ENTITY.sub(lambda match: _ENTITIES[match[0]], line)
    return _LIST_START.sub(r"\1\\\2", _LINE_START.sub(r"\\\1", line))


def apart(before: str, piece: str) -> str:
    """Return a piece of a line, kept from making a link of brackets that end the piece before it."""
    return ZERO_WIDTH + piece if before.endswith("]") and piece.startswith(("(", "[", ":")) else piece


def address(url: str) -> str:
    """Return the address of a web page, or nothing where it has a character that Markdown or HTML reads."""
    return url if _ADDRESS.fullmatch(url) else ""


def html(text: str, *, longest: int = LONGEST) -> str:
    """Escape running text inside an HTML element of a Markdown page, such as the line of a fold."""
    line = clean(text, longest=longest)
    line = _inert(line)
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], line).replace('"', "&quot;").replace("'", "&#39;")


def code(text: str, *, in_table: bool = False, longest: int = LONGEST) -> str:
    """Return a code span of exactly this text: fenced by more backticks than it holds, pipes escaped in a table."""
    line = _no_comment(clean(text, longest=longest))
    if not line:
        return "` `"
    if in_table:
        line = line.replace("|", r"\|")
    fence = "`" * (1 + max((len(run) for run in _FENCE.findall(line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def fenced(text: str, *, language: str = "text", longest: int = 4000) -> str:
    """Return a fenced block that holds exactly these lines; the fence is longer than any run of backticks in it."""
    block = _no_comment(clean_block(text, longest=longest))
    fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(block)), default=0))
    return f"{fence}{language}\n{block}\n{fence}"


def _inert(line: str) -> str:
    """Break what github.com would link, ping or draw in plain text; six digits of a commit are too few to link."""
    for pattern, broken in _TRIGGERS:
        line = pattern.sub(broken, line)
    return _COMMIT.sub(lambda run: _SIX.sub(rf"\g<0>{ZERO_WIDTH}", run[0]), line)


def _no_comment(text: str) -> str:
    return text.replace("<!", f"<{ZERO_WIDTH}!")


def _calm(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= 3:
            kept.append(character)
    return "".join(kept)
