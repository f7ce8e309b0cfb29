"""modelyard.yml is read whole or refused with every mistake at its line, in words that a user can act on."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.config.load import Loaded, load
from modelyard.core.errors import CollectedConfigError, ConfigError

GOOD = """\
model: {name: churn, task: binary}
data:
  sets: {all: data/*.csv}
  split: {of: all, by: stratified}
  columns: {target: churned}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1]}}
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.8}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
"""

FULL = """\
model: {name: flights-late, task: binary, positive: true, metric: roc_auc}   # metric: the primary one
data:
  sets:    {all: data/*.parquet}                   # any names
  split:   {of: all, by: time, test: 3 months}
  columns: {target: late, id: flight_id, time: time_hour, unit: {every: day, zone: America/New_York}, drop: [arr_delay]}
validate:  {suites: {all: expectations/flights.json}}
train:
  candidates:
    - {estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1, 1, 10]}}
    - {estimator: sklearn.ensemble.HistGradientBoostingClassifier, params: {learning_rate: [0.05, 0.1]}}
  search: {method: grid, folds: 5}
evaluate:
  gates:
    - {metric: roc_auc, at_least: 0.80}
    - {metric: roc_auc, no_worse_than: champion, margin: 0.005}
    - {metric: recall, at_least: 0.50, by: [carrier]}
registry:  {kind: auto, alias: champion}
"""


TEST_ALONE = """\
model: {name: m, task: binary}
data:
  sets: {test: t.csv}
  columns: {target: y}
evaluate:
  challenger: p.csv
"""
GATES_ALONE = """\
  gates:
    - {metric: accuracy, at_least: 0.8}
    - {metric: accuracy, no_worse_than: champion, margin: 10 % of gain}
"""


def read(folder: Path, text: str | bytes, name: str = "modelyard.yml") -> Loaded:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, root=folder)


def problems(folder: Path, text: str | bytes) -> list[ConfigError]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    error = caught.value
    assert error.exit_code == 2
    return [problem for problem in error.problems if isinstance(problem, ConfigError)]


def without(part: str, instead: str) -> str:
    assert part in GOOD
    return GOOD.replace(part, instead, 1)


BROKEN: dict[str, tuple[str | bytes, int | None, str | None, str, str]] = {
    "unknown key": (without("task:", "taks:"), 1, "model.taks", "unknown key 'taks'", "Did you mean 'task'?"),
    "unknown key that lives elsewhere": (GOOD + "gates: []\n", 13, "gates", "unknown key", "belongs under evaluate"),
    "python name of a key": (
        without("candidates:", "python_path: [src]\n  candidates:"),
        7,
        "train.python_path",
        "unknown key",
        "'python-path'",
    ),
    "missing key": (without(", task: binary", ""), 1, "model.task", "task is missing", "Kind of prediction."),
    "wrong choice": (
        without("binary", "Binary"),
        1,
        "model.task",
        "'binary', 'multiclass' or 'regression'",
        "'binary'?",
    ),
    "wrong name": (without("churn,", "Churn Model,"), 1, "model.name", "found 'Churn Model'", "lower-case letters"),
    "name of a set": (without("{all: d", "{'a b': d"), 3, "data.sets.a b", "letters, digits", "at most 40"),
    "number where text is wanted": (without("churned", "7"), 5, "data.columns.target", "found 7; allowed: text", "'7'"),
    "number in quotes": (
        without("0.8", "'0.8'"),
        11,
        "evaluate.gates[0].at_least",
        "'0.8'; allowed: a number",
        "quotes",
    ),
    "negative margin": (without("0.005", "-1"), 12, "evaluate.gates[1].margin", "found -1", "a number of at least 0"),
    "out of range": (
        without("binary", "binary, threshold: 1"),
        1,
        "model.threshold",
        "found 1",
        "above 0 and below 1",
    ),
    "wrong reference": (
        without("champion", "champoin"),
        12,
        "evaluate.gates[1].no_worse_than",
        "found 'champoin'",
        "'champion'?",
    ),
    "text where a list is wanted": (
        without("0.8}", "0.8, by: carrier}"),
        11,
        "evaluate.gates[0].by",
        "a list of such values",
        "Write a list: [carrier].",
    ),
    "two operators": (
        without("0.8}", "0.8, at_most: 1}"),
        11,
        "evaluate.gates[0].at_most",
        "exactly one of",
        "Make two gates",
    ),
    "no operator": (without(", at_least: 0.8", ""), 11, "evaluate.gates[0]", "found none", "at_least: 0.8"),
    "margin without its operator": (
        without("0.8}", "0.8, margin: 1}"),
        11,
        "evaluate.gates[0].margin",
        "not to at_least",
        "Remove it",
    ),
    "no margin": (without(", margin: 0.005", ""), 12, "evaluate.gates[1].no_worse_than", "needs a margin", "0.005"),
    "no as a value": (without("churned", "no"), 5, "data.columns.target", "no without quotes", "'no'"),
    "yes where both would do": (
        without("binary}", "binary, positive: yes}"),
        1,
        "model.positive",
        "true to others",
        "Write true if you mean that",
    ),
    "off as a choice": (GOOD + "mode: off\n", 13, "mode", "off without quotes", "'off'"),
    "on as a key": (GOOD + "on: 1\n", 13, "on", "the key on means different things", "'on'"),
    "number as a key": (GOOD + "1: a\n", 13, "1", "the key '1' is not text", "quotes"),
    "list as a key": (GOOD + "? [a]\n: 1\n", 13, None, "a key that is a list", "Keys are text"),
    "minutes and seconds": (
        without("candidates:", "timeout: 2:30\n  candidates:"),
        7,
        "train.timeout",
        "2:30 without quotes",
        "'2:30'",
    ),
    "octal or not": (without("{C: [0.1, 1]}", "{C: 010}"), 8, "train.candidates[0].params.C", "010 without", "'010'"),
    "duplicate key": (GOOD + "model: {}\n", 13, "model", "duplicate key 'model': on line 1 and on line 13", "Keep one"),
    "duplicate key deep down": (
        without("churned}", "churned,\n    target: x}"),
        6,
        "data.columns.target",
        "on line 5 and on line 6",
        "Keep one",
    ),
    "reserved key": (GOOD + "deploy: {}\n", 13, "deploy", "reserved for a later version", "Remove it."),
    "empty section": (GOOD + "registry:\n", 13, "registry", "found nothing", "Give it a value, or remove the key."),
    "not a stretch": (
        without("stratified", "hash, column: c, test: soon"),
        4,
        "data.split.test",
        "found 'soon'",
        "a stretch such as 90 days or 3 months or a number above 0 and below 1",
    ),
    "stretch for a hash": (
        without("stratified", "hash, column: c, test: 3 months"),
        4,
        "data.split.test",
        "takes a share",
        "0.2",
    ),
    "hash of nothing": (without("stratified", "hash"), 4, "data.split.by", "needs a column", "columns.id"),
    "split of another set": (without("of: all", "of: al"), 4, "data.split.of", "no data set 'al'", "'all'?"),
    "no split": (
        without("  split: {of: all, by: stratified}\n", ""),
        2,
        "data",
        "nothing says which rows",
        "train and test",
    ),
    "time without a column": (without("stratified", "time"), 4, "data.split.by", "needs a time column", "columns.time"),
    "stratified regression": (
        without("binary", "regression"),
        4,
        "data.split.by",
        "needs classes",
        "hash of a column",
    ),
    "unit with a wrong stretch": (
        without("churned", "churned, time: t, unit: {every: fortnight}"),
        5,
        "data.columns.unit.every",
        "found 'fortnight'",
        "'hour', 'day', 'week' or 'month'",
    ),
    "unit that fits nothing": (
        without("churned", "churned, unit: {evry: day}"),
        5,
        "data.columns.unit",
        "{every: …, zone: …}, {column: …} or text",
        "What is independent",
    ),
    "unknown zone": (
        without("churned", "churned, time: t, unit: {every: day, zone: Europe/Pariss}"),
        5,
        "data.columns.unit.zone",
        "unknown time zone 'Europe/Pariss'",
        "'Europe/Paris'?",
    ),
    "positive class of a regression": (
        without("binary", "multiclass, positive: 1"),
        1,
        "model.positive",
        "means nothing",
        "task: binary",
    ),
    "target dropped": (
        without("churned", "churned, drop: [a, churned]"),
        5,
        "data.columns.drop[1]",
        "the target",
        "Remove",
    ),
    "target as id": (without("churned", "churned, id: churned"), 5, "data.columns.id", "target already", "another"),
    "two ways to train": (
        without("candidates:", "command: python t.py\n  candidates:"),
        7,
        "train.command",
        "exactly one",
        "Keep one",
    ),
    "wrong entrypoint": (
        without("candidates:", "entrypoint: train\n  candidates:"),
        7,
        "train.entrypoint",
        "package.module:function",
        "fit(",
    ),
    "suite of no set": (
        GOOD + "validate: {suites: {al: s.json}}\n",
        13,
        "validate.suites.al",
        "no data set 'al'",
        "'all'?",
    ),
    "mapping as a parameter": (
        without("[0.1, 1]", "{a: 1}"),
        8,
        "train.candidates[0].params.C",
        "a mapping with a; allowed: true or false",
        "list",
    ),
    "list in a list": (
        without("0.1, 1]", "0.1, [1]]"),
        8,
        "train.candidates[0].params.C[1]",
        "a list of 1",
        "a number",
    ),
    "a check that cannot gate": (
        without("task: binary", "task: multiclass").replace("roc_auc", "accuracy") + "  checks: {calibration: gate}\n",
        13,
        "evaluate.checks.calibration",
        "is of binary probabilities, and this is a multiclass task",
        "report, or off",
    ),
    "a check of predictions that cannot gate": (
        without(GOOD[GOOD.index("train:") : GOOD.index("evaluate:")], "")
        + "  challenger: p.csv\n  checks: {train_test_gap: gate}\n",
        11,
        "evaluate.checks.train_test_gap",
        "predictions score none",
        "report, or off",
    ),
    "a baseline without training rows": (
        TEST_ALONE + GATES_ALONE,
        9,
        "evaluate.gates[1]",
        "fitted on training rows, and there are none",
        "a set train beside test",
    ),
    "default gates without training rows": (
        TEST_ALONE,
        None,
        None,
        "fitted on training rows, and there are none",
        "a set train beside test",
    ),
    "not a number": (without("0.8", ".nan"), 11, "evaluate.gates[0].at_least", ".nan", "finite"),
    "number beyond all bounds": (without("0.8", "1e999"), 11, "evaluate.gates[0].at_least", "too large", "finite"),
    "integer beyond JSON": (
        without("[0.1, 1]", "9007199254740993"),
        8,
        "train.candidates[0].params.C",
        "too large",
        "2^53",
    ),
    "half a character": (without("churned", '"\\ud800"'), 5, "data.columns.target", "half a character", "escape"),
    "NUL in text": (without("churned", '"a\\0"'), 5, "data.columns.target", "NUL", "escape"),
    "a tag": (
        without("churned", "!!python/name:os.system x"),
        5,
        "data.columns.target",
        "tag '!!python/name",
        "plain values",
    ),
    "an anchor in itself": (
        without("[0.1, 1]", "&c [*c]"),
        8,
        "train.candidates[0].params.C[0]",
        "contains itself",
        "out",
    ),
    "aliases that multiply": (
        "a: &a [" + "1," * 10 + "]\n" + "".join(f"{b}: &{b} [{f'*{a},' * 10}]\n" for a, b in ("ab", "bc", "cd")),
        1,
        None,
        "more than 10,000 values once aliases are followed",
        "aliases count",
    ),
    "merges that multiply": (
        "m0: &m0 {}\n" + "".join(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 40)),
        None,
        None,
        "more than 10,000",
        "aliases count",
    ),
    "too many values": ("a: [" + "1," * 10_001 + "]\n", 1, None, "more than 10,000 values", "data files"),
    "too deep": ("[" * 100_000, 1, None, "nested more than 64 deep", "data files"),
    "too long": ("#" * (1 << 20) + "\n", None, None, "1,048,577 bytes, at most 1,048,576", "data files"),
    "a bracket left open": ("model: [a, b\ndata: 1\n", 2, None, "a [ that is not closed", "[a, b]"),
    "a brace left open": ("model: {name: a\ndata: 1\n", 2, None, "a { that is not closed", "{key: value, key: value}"),
    "a quote left open": (
        "model: 1\ndata: 'x\ntrain: 2\n",
        2,
        None,
        "column 7: a quote that is not closed",
        "Close it",
    ),
    "a tab": ("model:\n\tname: a\n", 2, None, "column 1: a tab", "spaces"),
    "two colons": ("model: name: a\n", 1, None, "column 12: a colon where no key can stand", "in quotes"),
    "no colon": ("model\ndata: 1\n", 2, None, "a colon where no key can stand", "indentation"),
    "wrong indentation": ("model:\n    name: a\n  task: b\n", 3, None, "does not fit the lines above", "indentation"),
    "a placeholder without quotes": ("command: {train} x\n", 1, None, "does not fit", "in quotes as a whole"),
    "an alias of nothing": ("a: *x\n", 1, None, "an alias (*name) of an anchor that is not there", "in quotes"),
    "an at sign": ("a: @x\n", 1, None, "cannot begin a value", "in quotes"),
    "a backslash": ('a: "\\d"\n', 1, None, "a backslash in double quotes", "single quotes"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, None, "a second document", "Keep one"),
    "a control character": ("a: 1\nb: \x07\n", 2, None, "column 4: a control character", "Remove it"),
    "an empty file": ("", None, None, "the file is empty", "modelyard init"),
    "nothing but comments": ("# a\n\n# b\n", None, None, "the file is empty", "modelyard init"),
    "a list": ("- a\n- b\n", 1, None, "found a list of 2; the file has to be a mapping", "modelyard init"),
    "a word": ("\n\nhello\n", 3, None, "found 'hello'; the file has to be a mapping", "modelyard init"),
    "not UTF-8": (b"a: 1\nb: caf\xe9\n", 2, None, "not a text file in UTF-8: byte 0xe9", "UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), None, None, "saved as UTF-16", "UTF-8"),
    "NUL bytes": (b"a: 1\nb: \x00\x00\n", None, None, "holds NUL bytes, the first on line 2", "UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_line_key_what_was_found_and_what_to_do(case: str, tmp_path: Path) -> None:
    text, line, key, found, do = BROKEN[case]
    said = problems(tmp_path, text)
    assert len(said) == 1, f"one mistake, {len(said)} messages: {[str(each) for each in said]}"
    place = said[0].place
    assert place is not None
    assert place.file == "modelyard.yml"
    assert place.key == key
    if line is not None:
        assert place.line == line
    assert found in str(said[0])
    assert do in str(said[0])
    assert "\n  " in str(said[0]), "every message says what to do"


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = without("binary", "bin").replace("churned", "no").replace("0.8", "'a'") + "deploy: {}\nmodel: {}\n"
    with pytest.raises(CollectedConfigError) as caught:
        read(tmp_path, text)
    assert [str(problem.place) for problem in caught.value.problems] == [
        "modelyard.yml:1: model.task",
        "modelyard.yml:5: data.columns.target",
        "modelyard.yml:11: evaluate.gates[0].at_least",
        "modelyard.yml:13: deploy",
        "modelyard.yml:14: model",
    ]
    for problem in caught.value.problems:
        assert str(problem) in str(caught.value)


def test_a_long_value_is_shortened_and_stays_on_one_line(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, without("binary", '"' + "x\\n" * 1000 + '"'))
    assert len(re.findall(r"found (.*?);", said.message)[0]) == 60
    assert "\n" not in said.message


def test_a_full_configuration_is_read(tmp_path: Path) -> None:
    loaded = read(tmp_path, FULL)
    assert loaded.config.model.name == "flights-late"
    assert loaded.config.model.positive is True
    assert loaded.config.evaluate.gates[2].by == ("carrier",)
    assert loaded.file == "modelyard.yml"
    assert loaded.text == FULL


def test_lines_are_known_for_every_key_and_fall_back_to_the_nearest_parent(tmp_path: Path) -> None:
    loaded = read(tmp_path, "# a comment\n\n" + GOOD)
    assert loaded.line_of(("evaluate", "gates", 1, "margin")) == 14
    assert loaded.line_of(("evaluate", "gates", 1, "by", 0)) == 14
    assert loaded.line_of(("evaluate", "confidence")) == 11
    assert loaded.line_of(("registry", "alias")) == 3
    assert loaded.line_of(()) == 3
    assert str(loaded.place(("evaluate", "gates", 0))) == "modelyard.yml:13: evaluate.gates[0]"


@pytest.mark.parametrize(
    ("found", "value"),
    [
        ("2013-01-31", "2013-01-31"),
        ("2013-01-31 05:00:00", "2013-01-31 05:00:00"),
        ("1e-3", 0.001),
        ("1_000", 1000),
        ("0x10", 16),
        ("'no'", "no"),
        ("y", "y"),
        ("true", True),
        ("~", None),
        ("1.0.0", "1.0.0"),
        ("!!str 5", "5"),
    ],
)
def test_plain_values_mean_what_they_look_like(found: str, value: object, tmp_path: Path) -> None:
    assert read(tmp_path, without("[0.1, 1]", found)).config.train is not None
    train = read(tmp_path, without("[0.1, 1]", found)).config.train
    assert train is not None
    assert train.candidates[0].params["C"] == value
    assert type(train.candidates[0].params["C"]) is type(value)


def test_anchors_and_merges_work_and_own_keys_win(tmp_path: Path) -> None:
    text = without(
        "    - {metric: roc_auc, at_least: 0.8}\n",
        "    - &gate {metric: roc_auc, at_least: 0.8}\n    - {<<: *gate, metric: recall}\n    - *gate\n",
    )
    gates = read(tmp_path, text).config.evaluate.gates
    assert [(gate.metric, gate.demand.bound) for gate in gates[:3]] == [
        ("roc_auc", 0.8),
        ("recall", 0.8),
        ("roc_auc", 0.8),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(tmp_path: Path) -> None:
    plain = read(tmp_path, GOOD)
    other = read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert other.digest == plain.digest
    assert other.lines == plain.lines


# the digest of what it means


@pytest.mark.parametrize(
    "same",
    [
        "# first\n" + GOOD.replace("\n", "  # a comment\n"),
        without("{name: churn, task: binary}", "\n  task: 'binary'\n  name: churn"),
        GOOD + "mode: gate\nregistry: {kind: auto}\n",
        without("0.8", "8e-1"),
    ],
    ids=["comments", "order and quotes", "defaults written out", "another way to write a number"],
)
def test_the_digest_ignores_how_it_is_written(same: str, tmp_path: Path) -> None:
    assert read(tmp_path, same).digest == read(tmp_path, GOOD).digest


@pytest.mark.parametrize(
    "other",
    [
        without("0.8", "0.81"),
        without("[0.1, 1]", "[1, 0.1]"),
        without("[0.1, 1]", "[0.1, 1.0]"),
        GOOD + "mode: report-only\n",
    ],
    ids=["a bound", "the order of a list", "a float is no integer", "a key"],
)
def test_the_digest_follows_what_it_means(other: str, tmp_path: Path) -> None:
    assert read(tmp_path, other).digest != read(tmp_path, GOOD).digest


# no file


def message(root: Path, path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(Path(path), root=root)
    return str(caught.value)


def test_no_file_says_which_folder_and_how_to_get_one(tmp_path: Path) -> None:
    assert message(tmp_path, "modelyard.yml") == (
        "no modelyard.yml in the workspace [config/missing-file]\n"
        "  hint: Run `modelyard init` to have one proposed, or name another with --config."
    )  # fmt: skip
    assert message(tmp_path, "jobs/modelyard.yml").startswith("no modelyard.yml in jobs/")


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("modelyard.yaml", "modelyard.yml"),
        ("churn/modelyard.yml", "modelyard.yml"),
        ("modelyard.yml", "churn/modelyard.yml"),
        ("config/modelyard-churn.yml", "config/modelyard_churn.yml"),
    ],
)
def test_a_file_that_may_be_meant_is_named(there: str, asked: str, tmp_path: Path) -> None:
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text(GOOD, "utf-8")
    said = message(tmp_path, asked)
    assert f"but there is {there}" in said
    assert "Name it with --config" in said


def test_a_folder_a_file_outside_and_a_link_out_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.yml").write_text(GOOD, "utf-8")
    (root / "link.yml").symlink_to(tmp_path / "secret.yml")
    assert "a folder where the configuration should be" in message(root, "sub")
    assert "outside the workspace" in message(root, "../secret.yml")
    assert "outside the workspace" in message(root, "link.yml")


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60) | st.text(alphabet="a1:-[]{}&*!|>'\"#%@, \n\t?~<.", max_size=80))
def test_no_text_ends_in_anything_but_a_configuration_error(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    said: list[str] = []
    for variant in (text.encode("utf-8", "surrogatepass"), GOOD.encode() + text.encode("utf-8", "surrogatepass")):
        try:
            read(folder, variant)
        except ConfigError as error:
            said.append(str(error))
    assert all(said)


def test_a_runner_is_told_of_a_missing_checkout_and_of_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(ConfigError) as caught:
        load(Path("modelyard.yml"), root=tmp_path)
    assert "no checkout" in caught.value.message
    assert "actions/checkout" in caught.value.hint
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "modelyard.yml").write_text("", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("modelyard.yml"), root=tmp_path)
    assert caught.value.hint == "Name it with the input config: code/modelyard.yml"
