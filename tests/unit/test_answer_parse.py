"""What is a command in a comment: one line of its own, strictly; a property: nothing else is, and nothing raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.report.replies import REPLIES, reply, said
from modelyard.usecases.answer.commands import COMMANDS
from modelyard.usecases.answer.parse import Asked, Mistake, parse


@pytest.mark.parametrize(
    ("body", "name", "argument"),
    [
        ("/modelyard why roc_auc", "why", "roc_auc"),
        ("/modelyard why recall-at-least", "why", "recall-at-least"),
        ("/modelyard why 2\r\n", "why", "2"),
        ("/modelyard evaluate", "evaluate", ""),
        ("Looks good.\n\n/modelyard   promote\tv7  \n\nthank you", "promote", "v7"),
        ("/modelyard rollback", "rollback", ""),
        ("/modelyard retrain\n", "retrain", ""),
        ("> /modelyard promote v6\n\n/modelyard promote v7", "promote", "v7"),
        ("```\n/modelyard promote v6\n```\n/modelyard promote v7", "promote", "v7"),
        ("````\n```\n/modelyard promote v6\n````\n/modelyard retrain", "retrain", ""),
        ("``` not a fence ```\n/modelyard retrain", "retrain", ""),
        ("<!-- /modelyard evaluate -->\n/modelyard retrain", "retrain", ""),
    ],
)
def test_a_command_is_read(body: str, name: str, argument: str) -> None:
    assert parse(body) == Asked(COMMANDS.get(name), argument)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "thanks!",
        "use /modelyard promote v7 for that",
        " /modelyard promote v7",
        "    /modelyard promote v7",
        "\t/modelyard promote v7",
        "> /modelyard promote v7",
        "> somebody wrote\n/modelyard promote v7",
        "> a\n> b\nlazy\n/modelyard promote v7",
        "```\n/modelyard promote v7\n```",
        "~~~ sh\n/modelyard promote v7\n~~~",
        "```\nnever closed\n/modelyard promote v7",
        "```\n~~~\n/modelyard promote v7\n~~~",
        "<!--\n/modelyard promote v7\n-->",
        "<!-- never closed\n/modelyard promote v7",
        "`/modelyard promote v7`",
        "- /modelyard promote v7",
        "/modelyardpromote v7",
        "/Modelyard promote v7",
        "//modelyard promote v7",
        "\u200b/modelyard promote v7",
        "x" * 65_536,
        ("> " * 32_768),
        ("<!--" * 16_384),
        ("```\n" * 16_001),
    ],
    ids=lambda body: body[:30],
)
def test_what_is_no_command_is_none(body: str) -> None:
    assert parse(body) is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("/modelyard", "unknown-command"),
        ("/modelyard ", "unknown-command"),
        ("/modelyard help", "unknown-command"),
        ("/modelyard Promote v7", "unknown-command"),
        ("/modelyard promote\u00a0v7", "unknown-command"),
        ("/modelyard promot\u0435 v7", "unknown-command"),
        ("/modelyard " + "x" * 65_000, "unknown-command"),
        ("/modelyard promote", "bad-argument"),
        ("/modelyard promote 7", "bad-argument"),
        ("/modelyard promote v0", "bad-argument"),
        ("/modelyard promote v7 now", "bad-argument"),
        ("/modelyard promote v7;id", "bad-argument"),
        ("/modelyard promote v7\x0b", "bad-argument"),
        ("/modelyard promote champion", "bad-argument"),
        ("/modelyard promote sha256:" + "0" * 64, "bad-argument"),
        ("/modelyard rollback v3", "bad-argument"),
        ("/modelyard evaluate --base main", "bad-argument"),
        ("/modelyard why", "bad-argument"),
        ("/modelyard why $(id)", "bad-argument"),
        ("/modelyard why ../../x", "bad-argument"),
        ("/modelyard why -x", "bad-argument"),
        ("/modelyard evaluate\n/modelyard promote v7", "several-commands"),
        ("/modelyard evaluate\ntext\n/modelyard evaluate", "several-commands"),
    ],
    ids=lambda value: value[:30],
)
def test_what_was_meant_as_one_and_is_none_is_a_mistake(body: str, kind: str) -> None:
    if body.endswith("\x0b"):
        assert parse(body) == Asked(COMMANDS.get("promote"), "v7")  # white space at the end of a line
        return
    assert parse(body) == Mistake(kind)  # type: ignore[arg-type]  # a parameter of the test


@given(
    st.lists(st.sampled_from(["/modelyard", " ", "promote", "v7", "\n", "\r", ">", "```", "<!--", "-->", "\0", "é"]))
)
def test_nothing_raises_and_a_command_stands_in_the_text_as_it_was_read(parts: list[str]) -> None:
    body = "".join(parts)
    found = parse(body)
    if isinstance(found, Asked):
        lines = [" ".join(line.split()) for line in body.replace("\r", "\n").split("\n")]
        assert f"/modelyard {found.command.name} {found.argument}".strip() in lines


def test_every_sentence_can_be_said_and_lists_what_is_allowed_where_that_helps() -> None:
    values = {"workflow": "ml.yml", "url": "https://github.com/a/b/actions/runs/1", "head": "abc", "gate": "x"}
    for code in REPLIES:
        text = reply(said(code, status=403, **values), {"/modelyard why x": "explains | it"}, quoted="a ``` b @you")
        assert "{" not in text
        assert ("| command |" in text) == (code in ("several-commands", "unknown-command", "bad-argument"))
    assert "see Actions" in reply(said("started", workflow="a", url="javascript:alert(1)"), {})
    assert "@you" not in reply(said("why", gate="x", url="-"), {}, quoted="").replace("`", "")
