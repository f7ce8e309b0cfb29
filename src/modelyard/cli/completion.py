"""``modelyard completion bash``: what completes commands, flags and their values in a shell, from what they declare."""

from collections.abc import Callable, Mapping

from modelyard.cli.commands import COMMANDS
from modelyard.cli.flags import Command
from modelyard.core import terminal
from modelyard.core.errors import OK

_FILES = ("config", "run-dir", "output", "environment", "requirements", "python-path", "store")
"""Flags whose value is a path, which the shell completes itself."""
_GLOBAL = ("--help", "--quiet", "--verbose")


def run(_command: Command, _given: Mapping[str, str], positional: list[str]) -> int:
    """Print the script of a shell."""
    terminal.data(_SHELLS[positional[0]]())
    return OK


def _values(command: Command) -> dict[str, tuple[str, ...]]:
    """Return the flags of a command that have a value, with all the values where those are known."""
    return {flag.name: flag.choices for flag in command.flags if not flag.switch}


def _words(command: Command) -> list[str]:
    """Return what may follow a command: its flags, and the words of its arguments."""
    words = [choice for argument in command.arguments for choice in argument.choices]
    return [*words, *(f"--{flag.name}" for flag in command.flags), *_GLOBAL]


def _bash() -> str:
    cases = "\n".join(f'    {each.name}) words="{" ".join(_words(each))}" ;;' for each in COMMANDS)
    choices = "\n".join(
        f'    {each.name}:--{name}) words="{" ".join(values)}" ;;'
        for each in COMMANDS
        for name, values in _values(each).items()
        if values
    )
    paths = "|".join(f"--{name}" for name in _FILES)
    taking = "|".join(sorted({f"--{name}" for each in COMMANDS for name in _values(each)} - {f"--{n}" for n in _FILES}))
    return f"""# modelyard completion for bash
_modelyard() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=""
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words="{" ".join(COMMANDS.names())} --help --version"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}:$before" in
{choices}
    *:{paths.replace("|", "|*:")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    *:{taking.replace("|", "|*:")}) return ;;
    *)
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if ((${{#COMPREPLY[@]}} == 0)); then COMPREPLY=($(compgen -f -- "$current")); fi
}}
complete -o filenames -F _modelyard modelyard"""


def _zsh() -> str:
    commands = "\n".join(f"    {_quoted(f'{each.name}:{each.summary}')}" for each in COMMANDS)
    cases = "\n".join(f"    {each.name}) _arguments -s {' '.join(_zsh_specs(each))} ;;" for each in COMMANDS)
    return f"""#compdef modelyard
# modelyard completion for zsh
_modelyard() {{
  local -a commands=(
{commands}
  )
  if ((CURRENT == 2)); then _describe command commands; return; fi
  local name=${{words[2]}}
  shift words; ((CURRENT--))
  case $name in
{cases}
  esac
}}
compdef _modelyard modelyard"""


def _zsh_specs(command: Command) -> list[str]:
    found = []
    for flag in command.flags:
        text = flag.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
        value = "" if flag.switch else f":{flag.name}:{_zsh_value(flag.name, flag.choices)}"
        found.append(_quoted(f"--{flag.name}[{text}]{value}"))
    for argument in command.arguments:
        colon = "::" if argument.optional else ":"
        found.append(_quoted(f"{colon}{argument.name}:{_zsh_value('', argument.choices)}"))
    return [*found, *(_quoted(f"{each}[]") for each in _GLOBAL)]


def _zsh_value(name: str, choices: tuple[str, ...]) -> str:
    return f"({' '.join(choices)})" if choices else "_files" if name in _FILES or not name else " "


def _fish() -> str:
    none = "__fish_use_subcommand"
    lines = ["# modelyard completion for fish", "complete -c modelyard -f"]
    for each in COMMANDS:
        lines.append(f"complete -c modelyard -n {none} -a {each.name} -d {_quoted(each.summary)}")
        here = f"-n '__fish_seen_subcommand_from {each.name}'"
        for flag in each.flags:
            value = "" if flag.switch else f" -x -a '{' '.join(flag.choices)}'" if flag.choices else " -x"
            value = " -r -F" if flag.name in _FILES else value
            lines.append(f"complete -c modelyard {here} -l {flag.name}{value} -d {_quoted(flag.help)}")
        choices = [" ".join(argument.choices) for argument in each.arguments if argument.choices]
        lines += [f"complete -c modelyard {here} -a '{words}'" for words in choices]
    lines += [f"complete -c modelyard -l {each.removeprefix('--')}" for each in _GLOBAL]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return text in single quotes, as all three shells read them here."""
    return "'" + text.replace("'", "’") + "'"


_SHELLS: Mapping[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
