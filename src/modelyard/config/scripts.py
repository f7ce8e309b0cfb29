"""What a user's script takes on its command line, read from its syntax tree; the script is never imported or run."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1 << 20

TRAIN_NAMES = ("train.py", "training.py", "train_model.py", "fit.py")
PREDICT_NAMES = ("predict.py", "score.py", "inference.py", "predict_model.py")

_ROLES = {
    "train": ("train", "train-data", "training-data", "train-file", "train-path", "data", "data-path", "data-file",
              "dataset", "input", "input-file", "csv"),
    "test": ("test", "test-data", "test-file", "valid", "validation", "val-data"),
    "model_dir": ("model-dir", "model", "out", "output", "output-dir", "out-dir", "save-dir", "model-out", "model-path",
                  "model-file", "output-path"),
    "seed": ("seed", "random-state", "random-seed"),
}  # fmt: skip
_PREDICT_ROLES = {
    "model_dir": ("model-dir", "model", "model-path", "model-file", "checkpoint"),
    "rows": ("rows", "data", "data-path", "input", "input-file", "in", "csv", "test", "features"),
    "predictions": ("predictions", "out", "output", "output-file", "output-path", "out-file", "result"),
}


@dataclass(frozen=True)
class Option:
    """One option or positional argument: its spellings, whether the script insists on it, and its default."""

    names: tuple[str, ...]
    required: bool
    default: str | None = None

    @property
    def name(self) -> str:
        """The longest spelling without dashes, words joined by ``-``."""
        return max(self.names, key=len).lstrip("-").replace("_", "-").lower()

    @property
    def flag(self) -> str:
        """The spelling to use; empty for a positional argument."""
        longest = max(self.names, key=len)
        return longest if longest.startswith("-") else ""


@dataclass(frozen=True)
class Script:
    """A script: where it is, what it takes, whether it reads Parquet, and which file of metrics it names."""

    path: str
    options: tuple[Option, ...]
    parquet: bool = False
    metrics: str | None = None


def read_script(path: Path, shown_as: str) -> Script | None:
    """Return a script's options as argparse or click declare them; None where it cannot be read as Python."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    parquet = bool(names & {"read_parquet", "scan_parquet"}) and not names & {"read_csv", "scan_csv"}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    metrics = next((text for text in texts if re.fullmatch(r"([\w-]+/)*[\w-]*metrics[\w-]*\.json", text)), None)
    return Script(shown_as, tuple(_options(tree)), parquet, metrics)


def _options(tree: ast.AST) -> Iterator[Option]:
    """Yield what the calls of ``add_argument``, ``click.option`` and ``click.argument`` declare, in their order."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _declares(node.func)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        names = tuple(arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
        if names:
            yield _option(names, {keyword.arg: keyword.value for keyword in call.keywords})


def _declares(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    of_click = isinstance(function.value, ast.Name) and function.value.id == "click"
    return function.attr == "add_argument" or (of_click and function.attr in ("option", "argument"))


def _option(names: tuple[str, ...], keywords: Mapping[str | None, ast.expr]) -> Option:
    dashed = tuple(name for name in names if name.startswith("-"))
    insists = _constant(keywords.get("required"))
    optional = "default" in keywords or _constant(keywords.get("nargs")) in ("?", "*")
    required = insists == "True" or (not dashed and insists is None and not optional)
    return Option(dashed or names[:1], required, _constant(keywords.get("default")))


def _constant(node: ast.expr | None) -> str | None:
    return str(node.value) if isinstance(node, ast.Constant) and node.value is not None else None


@dataclass(frozen=True)
class Proposal:
    """A command line for a script; ``missing`` are required options that nothing is known to fill."""

    command: str
    missing: tuple[str, ...]


def train_command(script: Script) -> Proposal | None:
    """Return how modelyard would call a training script; None without options for the data and the model."""
    filled = _filled(script, _ROLES)
    return _proposal(script, filled, {}) if {"train", "model_dir"} <= set(filled) else None


def predict_command(script: Script) -> Proposal | None:
    """Return how modelyard would call a scoring script; None without options for model, rows and predictions."""
    suffix = "" if script.parquet else "_csv"
    filled = _filled(script, _PREDICT_ROLES)
    renamed = {"rows": f"rows{suffix}", "predictions": f"predictions{suffix}"}
    return _proposal(script, filled, renamed) if set(filled) == set(_PREDICT_ROLES) else None


def _filled(script: Script, roles: dict[str, tuple[str, ...]]) -> dict[str, Option]:
    found: dict[str, Option] = {}
    for role, names in roles.items():
        free = [option for option in script.options if option not in found.values() and option.name in names]
        if free:
            found[role] = min(free, key=lambda option: names.index(option.name))
    return found


def _proposal(script: Script, filled: dict[str, Option], renamed: dict[str, str]) -> Proposal:
    words = []
    for option in script.options:
        role = next((role for role, taken in filled.items() if taken is option), None)
        if role is None:
            continue
        value = f"{{{renamed.get(role, role)}}}"
        if role == "model_dir" and option.default and Path(option.default).suffix:
            value += f"/{Path(option.default).name}"
        words.append(f"{option.flag} {value}".strip())
    missing = tuple(option.flag or option.name for option in script.options
                    if option.required and option not in filled.values())  # fmt: skip
    return Proposal(" ".join(["python", shlex.quote(script.path), *words]), missing)
