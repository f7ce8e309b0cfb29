"""What can be said about a configuration without data: estimators, commands, and the files it names."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from modelyard.config.load import Loaded
from modelyard.config.sections.train import Train
from modelyard.core import files
from modelyard.core.documents import KeyPath, shown
from modelyard.core.errors import ConfigError, nearest

TRAIN_NAMES = ("train", "test", "model_dir", "seed")
SCRIPT_NAMES = ("seed", "rows", "rows_csv")
PREDICT_NAMES = ("model_dir", "rows", "predictions", "rows_csv", "predictions_csv")
_OR_MODEL = ", or name train.model, the file that the script writes by itself"
_SCRIPTS = frozenset({".py", ".r", ".sh", ".jl", ".js", ".rb", ".pl"})


def check(
    loaded: Loaded,
    *,
    root: Path,
    estimator_problem: Callable[[str], str | None],
) -> list[ConfigError]:
    """Every problem that needs no data to be seen, in the order of lines.

    Args:
        loaded: the configuration, its folder, and where its keys stand.
        root: the workspace, which no file may leave.
        estimator_problem: what is wrong with an estimator's dotted name, or None.
    """
    checker = _Checker(loaded, root)
    problems = [
        *checker.estimators(estimator_problem),
        *checker.commands(),
        *checker.files(),
    ]
    return in_order(problems)


def in_order(problems: Iterable[ConfigError]) -> list[ConfigError]:
    """Return problems in the order of lines."""
    return sorted(problems, key=lambda problem: (problem.place.line or 0) if problem.place else 0)


class _Checker:
    def __init__(self, loaded: Loaded, root: Path) -> None:
        self.config = loaded.config
        self.loaded = loaded
        self.root = root
        self.base = loaded.path.parent

    def problem(self, path: KeyPath, message: str, hint: str = "", *, code: str) -> ConfigError:
        return ConfigError(message, code=code, hint=hint, place=self.loaded.place(path))

    def estimators(self, problem_with: Callable[[str], str | None]) -> Iterator[ConfigError]:
        for at, candidate in enumerate(self.config.train.candidates if self.config.train else ()):
            problem = problem_with(candidate.estimator)
            if problem:
                yield self.problem(("train", "candidates", at, "estimator"), problem, code="config/bad-estimator")

    def commands(self) -> Iterator[ConfigError]:
        train, predict = self.config.train, self.config.evaluate.predict
        if train and train.command:
            known, needed = (SCRIPT_NAMES, ()) if train.model else (TRAIN_NAMES, (("model_dir",),))
            yield from self._command(("train", "command"), train.command, known, needed, also=_OR_MODEL)
        if predict:
            yield from self._command(
                ("evaluate", "predict", "command"),
                predict.command,
                PREDICT_NAMES,
                (("rows_csv", "rows"), ("predictions_csv", "predictions")),
            )

    def _command(
        self, path: KeyPath, command: str, known: Sequence[str], needed: Sequence[Sequence[str]], *, also: str = ""
    ) -> Iterator[ConfigError]:
        try:
            words = shlex.split(command)
        except ValueError:
            yield self.problem(
                path, "the command holds a quote that is not closed", "Close it.", code="config/bad-command"
            )
            return
        named = re.findall(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}", command)
        for name in named:
            if name not in known:
                yield self.problem(
                    path,
                    f"nothing fills in {{{name}}}; known here: {', '.join(f'{{{each}}}' for each in known)}",
                    nearest(name, known),
                    code="config/unknown-placeholder",
                )
        for either in needed:
            if not set(either) & set(named):
                places = " or ".join(f"{{{each}}}" for each in either)
                yield self.problem(
                    path,
                    f"the command names no {places}",
                    f"Put {places} where the path belongs{also}.",
                    code="config/missing-placeholder",
                )
        for operator in [word for word in words if word in ("|", "||", "&&", ";", ">", ">>", "<", "&")]:
            yield self.problem(
                path,
                f"{operator} means nothing here: no shell is involved",
                "Put the commands into a script, and name that.",
                code="config/shell-operator",
            )
        script = next((word for word in words[:4] if Path(word).suffix.lower() in _SCRIPTS and "{" not in word), None)
        if script and not Path(script).is_absolute():
            yield from self._file(path, script, "the script")

    def files(self) -> Iterator[ConfigError]:
        config = self.config
        if config.validate_:
            for name, suite in config.validate_.suites.items():
                yield from self._file(("validate", "suites", name), suite, "the suite")
        if config.requirements:
            yield from self._file(("requirements",), config.requirements, "requirements")
        if config.train:
            yield from self._training_files(config.train)
        for key in ("waivers", "behaviour"):
            if getattr(config.evaluate, key):
                yield from self._file(("evaluate", key), getattr(config.evaluate, key), f"the file of {key}")
        for name, file in config.evaluate.metric_files.items():
            yield from self._file(("evaluate", "metrics", name), file, "the metric's module")
        for key in ("challenger", "champion"):
            predictions = getattr(config.evaluate, key)
            if predictions:
                yield from self._inside(("evaluate", key), predictions, "the prediction file")

    def _training_files(self, train: Train) -> Iterator[ConfigError]:
        if train.environment:
            yield from self._file(("train", "environment"), train.environment, "the environment")
        if train.model:
            yield from self._inside(("train", "model"), train.model, "the model")
        if train.metrics:
            yield from self._inside(("train", "metrics"), train.metrics, "the metrics file")
        for at, folder in enumerate(train.python_path):
            yield from self._file(("train", "python-path", at), folder, "the folder", folder=True)
        for at, path in enumerate(train.code):
            yield from self._file(("train", "code", at), path, "the code", folder=(self.base / path).is_dir())

    def _inside(self, path: KeyPath, named: str, what: str) -> Iterator[ConfigError]:
        try:
            files.inside(self.root, self.base / named, what=what)
        except ConfigError:
            yield self.problem(
                path,
                f"{what} {shown(named)} leads outside the workspace",
                "Name a path inside it; links out of it are not followed.",
                code="config/outside-workspace",
            )

    def _file(self, path: KeyPath, named: str, what: str, *, folder: bool = False) -> Iterator[ConfigError]:
        outside = list(self._inside(path, named, what))
        if outside:
            yield from outside
            return
        target = self.base / named
        if target.is_dir() if folder else target.is_file():
            return
        kind = "folder" if folder else "file"
        if target.exists():
            yield self.problem(
                path,
                f"{what} {shown(named)} is {'not a folder' if folder else 'a folder'}",
                f"Name a {kind}.",
                code="config/not-a-file",
            )
            return
        beside = sorted(each.name for each in target.parent.iterdir()) if target.parent.is_dir() else []
        hint = nearest(target.name, beside)
        yield self.problem(
            path,
            f"{what} {shown(named)} does not exist",
            hint or "Paths are relative to this file.",
            code="config/missing-file",
        )
