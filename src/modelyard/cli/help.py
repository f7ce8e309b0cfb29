"""The texts of ``--help``."""

from modelyard.cli.commands import COMMANDS
from modelyard.cli.flags import Command


def overview() -> str:
    """Return what ``modelyard --help`` prints."""
    width = max(map(len, COMMANDS.names()))
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            "modelyard: CI/CD for machine learning that lives in a GitHub repository",
            "",
            "usage: modelyard COMMAND [--flag VALUE …]",
            "",
            *lines,
            "",
            "Start with `modelyard init`, then `modelyard run`. `modelyard COMMAND --help` shows flags and an example.",
            "Exit codes: 0 pass, 1 fail or inconclusive, 2 bad input or configuration, 3 bad data or model,",
            "4 GitHub, registry or disk, 70 an internal error, 130 interrupted.",
        ]
    )


def command_help(command: Command) -> str:
    """Return what ``modelyard COMMAND --help`` prints."""
    names = [argument.name.upper() for argument in command.arguments]
    usage = "".join(
        f" [{name}]" if argument.optional else f" {name}"
        for name, argument in zip(names, command.arguments, strict=True)
    )
    lines = [command.summary, "", f"usage: modelyard {command.name}{usage} [--flag VALUE …]", ""]
    shown = [(name, argument.help) for name, argument in zip(names, command.arguments, strict=True)]
    shown += [
        (
            f"--{flag.name}" + ("" if flag.switch else " VALUE"),
            flag.help + (f" (default: {flag.default})" if flag.default else ""),
        )
        for flag in command.flags
    ]
    width = max((len(name) for name, _ in shown), default=0)
    lines += [f"  {name:<{width}}  {text}" for name, text in shown]
    return "\n".join([*lines, "", f"example: {command.example}"])
