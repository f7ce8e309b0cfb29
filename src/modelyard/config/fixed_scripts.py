"""Training code that takes no paths: a script or notebook that writes its model to a fixed place, or an MLflow project.

It is read as text and never run. What ``modelyard init`` says of it is a proposal in comments, since only its owner
knows whether it runs here, and whether a pickle may be loaded.
"""

import ast
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelyard.config.scripts import MAX_BYTES, TRAIN_NAMES

_PICKLES = (".joblib", ".pkl", ".pickle")
_WRITERS = {"dump": (*_PICKLES, ".skops"), "open": _PICKLES, "save_model": (".txt", ".json", ".ubj", ".cbm"),
            "write_bytes": (".onnx",)}  # fmt: skip
"""Names of calls that write a model to the suffixes of what they write."""


@dataclass(frozen=True)
class Fixed:
    """How such code is run, and where its model is then."""

    path: str
    command: str
    model: str

    def comments(self) -> Iterator[str]:
        """Yield what init says of it."""
        yield f"# {self.path} leaves its model at {self.model}. To have it judged as it is, use instead of what"
        yield "# follows:"
        yield f"#   command: {json.dumps(self.command)}"
        yield f"#   model: {json.dumps(self.model)}"
        if self.model.endswith(_PICKLES) or "mlruns" in self.model:
            yield "# It runs code when it is loaded; if you trust it, add registry: {allow-pickles: true}."


def find_fixed(root: Path, entries: Sequence[Path]) -> Fixed | None:
    """Return the training code of a repository that takes no paths, the most usual kind first."""
    known = {path.relative_to(root).as_posix(): path for path in entries}
    if "MLproject" in known:
        return Fixed("MLproject", "mlflow run . --env-manager local", "mlruns/*/models/*/artifacts")
    for name, path in sorted(known.items(), key=lambda item: (item[0].count("/"), item[0])):
        stem = PurePosixPath(name)
        if not name.isprintable() or f"{stem.stem}.py" not in TRAIN_NAMES:
            continue
        model = _written(path)
        if model is None:
            continue
        if stem.suffix == ".py":
            return Fixed(name, shlex.join(["python", name]), model)
        folder, place = stem.parent.as_posix(), _beside(stem.parent, model)
        if place is not None:
            run = shlex.join(["papermill", "--cwd", folder, name, f"{place.rpartition('/')[0] or '.'}/run.ipynb"])
            return Fixed(name, run, place)
    return None


def _beside(folder: PurePosixPath, model: str) -> str | None:
    """Return a path that a notebook writes as seen from the top; None where it leads out."""
    parts: list[str] = []
    for part in (folder / model).parts:
        if part == ".." and not parts:
            return None
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def _written(path: Path) -> str | None:
    """Return the last relative path that a script or notebook writes a model to."""
    try:
        if path.suffix not in (".py", ".ipynb") or path.stat().st_size > MAX_BYTES:
            return None
        text = path.read_text("utf-8")
        if path.suffix == ".ipynb":
            cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
            lines = "\n".join(each if isinstance(each, str) else "".join(each) for each in cells).splitlines()
            text = "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
        tree = ast.parse(text)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError):
        return None
    names = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = [model for node in ast.walk(tree) if isinstance(node, ast.Call) for model in _models(node, names)]
    return found[-1] if found else None


def _models(call: ast.Call, names: dict[str, str]) -> Iterator[str]:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    suffixes = _WRITERS.get(function, ())
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        text = names.get(argument.id) if isinstance(argument, ast.Name) else getattr(argument, "value", None)
        if isinstance(text, str) and text.endswith(suffixes or ("\0",)) and text.isprintable() and text[0] != "/":
            yield text
