"""What the source may not do anywhere, or in one named place alone: load pickles, start shells, open joined paths."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "modelyard"

NEVER = frozenset(
    {
        "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "pickle.load", "pickle.loads", "dill.load",
        "cloudpickle.load", "marshal.load", "marshal.loads", "shelve.open", "os.system", "os.popen", "eval", "exec",
        "subprocess.getoutput", "tempfile.mktemp", "shutil.unpack_archive", "tarfile.open",
    }
)  # fmt: skip
LOADS = {"joblib.load": {"models/child/score.py", "training/search.py"}}
"""Loading a pickle: the process that scores, where that was allowed, and a search's own rows of a moment ago."""
OPENS = frozenset({"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink"})
JOINED = {
    "registry/local/registry.py": "the name is a version's, which was checked when it was read",
    "registry/mlflow/publishing.py": "the name is one of ours, made by pages.place",
}
"""Where a path is joined with a variable and opened in one breath: each with its reason. Elsewhere a path that came
from outside goes through core.files.inside first, or has a name of its own that says what it is."""


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def problems(path: Path, name: str) -> Iterator[str]:
    for call in calls(path):
        called, at = ast.unparse(call.func), f"{name}:{call.lineno}"
        if called in NEVER or called.endswith((".extractall", ".extract")):
            yield f"{at}: {called}"
        if called in LOADS and name not in LOADS[called]:
            yield f"{at}: {called} outside of {', '.join(LOADS[called])}"
        for keyword in call.keywords:
            if keyword.arg in ("shell", "verify"):
                yield f"{at}: {called}({keyword.arg}=…)"
        if called in ("subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_output"):
            given = call.args[0] if call.args else None
            if not isinstance(given, ast.List | ast.Name | ast.Starred):
                yield f"{at}: {called} without a list of arguments"
        if _opens_joined(call) and name not in JOINED:
            yield f"{at}: opens {ast.unparse(call.func)[:60]}"


def _opens_joined(call: ast.Call) -> bool:
    target: ast.expr | None = None
    if isinstance(call.func, ast.Attribute) and call.func.attr in OPENS:
        target = call.func.value
    elif isinstance(call.func, ast.Name) and call.func.id == "open" and call.args:
        target = call.args[0]
    while isinstance(target, ast.BinOp) and isinstance(target.op, ast.Div):
        if not _fixed(target.right):
            return True
        target = target.left
    return False


def _fixed(part: ast.expr) -> bool:
    """Return whether a part of a path stands in the source: a literal, or a constant by its name."""
    if isinstance(part, ast.Constant):
        return True
    name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
    return bool(name) and name.lstrip("_").isupper()


def test_nothing_loads_starts_or_opens_what_it_may_not() -> None:
    paths = sorted(SOURCE.rglob("*.py"))
    found = [each for path in paths for each in problems(path, path.relative_to(SOURCE).as_posix())]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "yaml.load(text)", "pickle.loads(data)", "joblib.load(path)", "os.system(command)", "archive.extractall(to)",
        "subprocess.run('ls', shell=True)", "subprocess.run(f'ls {name}')", "requests.get(url, verify=False)",
        "open(folder / name)", "(folder / name).read_bytes()", "(folder / 'x' / name).write_text('')",
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_for(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.py").write_text(line, "utf-8")
    assert list(problems(tmp_path / "bad.py", "bad.py"))


def test_what_is_allowed_is_there() -> None:
    for name in (*JOINED, *(each for places in LOADS.values() for each in places)):
        assert (SOURCE / name).is_file(), name
