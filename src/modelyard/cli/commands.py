"""Every command with its flags: steps from the generated table, the rest by hand.

A new command is a module in this folder with ``run(command, given, positional) -> exit code``, and its entry here; the
help and the README's table follow.
"""

from collections.abc import Mapping
from dataclasses import replace

from modelyard.cli.flags import COMMON, Argument, Command, Flag
from modelyard.cli.monitor_actions import with_actions
from modelyard.cli.step_table import STEP_COMMANDS
from modelyard.core.catalogue import Catalogue

JSON = Flag("json", "print the result as JSON", switch=True)
FORMAT = Flag("format", "text, markdown or json", "text", choices=("text", "markdown", "json"))
VERSION = Argument("version", "champion, v7, sha256:…, or champion@2026-05-03")
CONFIG, RUN_DIR, REGISTRY = COMMON

GROUPS: Mapping[str, str] = {
    "pipeline": "Pipeline",
    "look": "Look at a run or a version",
    "watch": "Watch what serves",
    "registry": "Registry",
    "setup": "Set up",
}
"""The heads of the help, in their order."""
_WATCH = frozenset({"monitor", "decide"})
"""Steps that are no stages of a run."""

_OTHERS = (
    Command(
        "run",
        "Run all stages in order; skip what is unchanged and say why each stage ran or not.",
        "modelyard run --promote",
        "modelyard.cli.run",
        (
            *COMMON,
            Flag("promote", "promote the challenger where every gate passes", switch=True),
            Flag("reason", "why it is promoted, for the history"),
            Flag("decision", "digest of the decision to retrain that this run follows; see modelyard decide"),
            JSON,
        ),
    ),
    Command(
        "init",
        "Propose a commented modelyard.yml from the data and the repository.",
        "modelyard init",
        "modelyard.cli.init",
        (
            CONFIG,
            Flag("target", "the column to predict"),
            Flag("task", "binary, multiclass or regression"),
            Flag("time", "the column that says when a row happened"),
            Flag("group", "the column whose rows belong together"),
            Flag("workflows", "write the workflow templates too, with this repository's own names", switch=True),
            Flag("templates", "with --workflows: these and no others, with commas, such as ml-pull-request,ml-comment"),
            Flag("force", "with --workflows: overwrite workflows that are there", switch=True),
        ),
        group="setup",
    ),
    Command(
        "doctor",
        "Find what would not work or is unsafe in workflows and configuration, each with its fix.",
        "modelyard doctor --fix",
        "modelyard.cli.doctor",
        (
            CONFIG,
            Flag("fix", "show the diff of every fix that needs no thinking, and write it", switch=True),
            Flag("online", "also ask GitHub for rules of branches and settings; needs a token", switch=True),
            Flag("strict", "warnings, and what only a run can tell, end with exit code 1 too", switch=True),
            JSON,
        ),
        group="setup",
    ),
    Command(
        "models",
        "Say which models of this repository a change affects.",
        "modelyard models --base main",
        "modelyard.cli.models",
        (Flag("base", "git reference that the change is seen from; without one, every model is listed"), JSON),
    ),
    Command(
        "config",
        "Check the configuration without touching the data: modelyard config check.",
        "modelyard config check",
        "modelyard.cli.config",
        (CONFIG, JSON),
        (
            Argument(
                "action",
                "check (the default), or schema to print the JSON Schema",
                choices=("check", "schema"),
                optional=True,
            ),
        ),
        group="setup",
    ),
    Command(
        "adopt",
        "Register a model made elsewhere as the first champion, without evidence; every report says so.",
        "modelyard adopt model.joblib --environment requirements.lock",
        "modelyard.cli.adopt",
        (
            CONFIG,
            REGISTRY,
            Flag("environment", "file of name==version lines that the model needs (default: what is installed)"),
            Flag("columns", "the model's columns in its order, with commas (default: those that it names itself)"),
            Flag("python-path", "folders of modules that the model imports, with commas; they go into the version"),
            Flag("replace", "take the place of a champion that cannot be scored any more", switch=True),
            Flag("reason", "why, for the history"),
            JSON,
        ),
        (
            Argument(
                "path", "a model or prediction file, a folder for the predict command, or MLflow's models:/name@alias"
            ),
        ),
        group="registry",
    ),
    Command(
        "judge",
        "Judge what a harness found of each case (task: outcomes): promptfoo, DeepEval, Inspect, JUnit, tables.",
        "modelyard judge",
        "modelyard.cli.judge",
        (
            CONFIG,
            Flag("run-dir", "folder of record and report; relative to the workspace", "modelyard-judge"),
            Flag("base", "commit whose gates and champion judge; on a pull request its base does"),
            Flag("first", "there is no champion yet; its gates do not apply", switch=True),
            Flag("keep", "where every gate passes, the challenger's file becomes the champion's", switch=True),
            JSON,
        ),
    ),
    Command(
        "why",
        "Explain one gate's verdict from its record: rule, interval, method, visible differences, how to reproduce it.",
        "modelyard why roc-auc-at-least",
        "modelyard.cli.why",
        (CONFIG, RUN_DIR, REGISTRY, Flag("version", "a version in the registry instead of the run folder"), JSON),
        (Argument("gate", "its id or its number; without one, the gates are listed", optional=True),),
        group="look",
    ),
    Command(
        "verify",
        "Verify the run folder and the whole registry, or one version; name the first broken link.",
        "modelyard verify --version v7",
        "modelyard.cli.verify",
        (
            CONFIG,
            RUN_DIR,
            REGISTRY,
            Flag("version", "verify this version in the registry alone"),
            Flag("model", "name of the model; with it a registry is verified without any configuration"),
            Flag("repository", "owner/name on GitHub whose registry holds it; with --model"),
            Flag("store", "the .modelyard folder of a local registry that holds it; with --model"),
            JSON,
        ),
        group="registry",
    ),
    Command(
        "gates",
        "Suggest margins that this test set can resolve, estimated on training folds; test rows are not used.",
        "modelyard gates suggest",
        "modelyard.cli.gates",
        (CONFIG, RUN_DIR, JSON),
        (Argument("action", "suggest", choices=("suggest",)),),
        group="setup",
    ),
    Command(
        "test-set",
        "Plan a test set: size is the rows that a series of decisions needs (ease.ml/ci), pass those of one gate.",
        "modelyard test-set size --condition 'n - o > 0.02 +/- 0.01' --reliability 0.99 --steps 32",
        "modelyard.cli.test_set",
        (
            Flag("condition", "the decision: n is the new model's accuracy, o the old one's, d where they differ"),
            Flag("reliability", "probability that every answer is right up to its tolerance", "0.99", number="real"),
            Flag("steps", "decisions on this test set", "32", number="whole"),
            Flag(
                "adaptivity",
                "none: nobody learns an answer before all models are made; or full",
                "full",
                choices=("none", "full"),
            ),
            Flag(
                "disagreement",
                "share of rows on which two models differ: a known bound for n - o, or as expected",
                number="real",
            ),
            Flag("margin", "of a no_worse_than gate on accuracy, for pass", number="real"),
            JSON,
        ),
        (Argument("action", "size or pass", choices=("size", "pass")),),
        group="setup",
    ),
    Command(
        "gc",
        "List what nothing in the registry needs any more, and why each kept version is kept; --apply removes it.",
        "modelyard gc",
        "modelyard.cli.gc",
        (CONFIG, REGISTRY, Flag("apply", "remove it; without this, nothing is removed", switch=True), JSON),
        group="registry",
    ),
    Command(
        "history",
        "Show what served when, who decided, and on what evidence.",
        "modelyard history --on 2026-05-03",
        "modelyard.cli.history",
        (
            CONFIG,
            REGISTRY,
            Flag("alias", "whose history, or every (default: the configuration's alias)"),
            Flag("newest", "so many of the last moves; without this, all of them", number="whole"),
            Flag("on", "what served at the end of this day in UTC, or at this second: 2026-05-03T12:00:00+00:00"),
            FORMAT,
            JSON,
        ),
        group="registry",
    ),
    Command(
        "show",
        "Describe a version: metrics with intervals, gates, data, packages, size, evidence, chain, history.",
        "modelyard show v7",
        "modelyard.cli.show",
        (CONFIG, REGISTRY, Flag("all", "list every package too", switch=True), FORMAT, JSON),
        (VERSION,),
        group="look",
    ),
    Command(
        "bom",
        "Write a version's bill of materials as CycloneDX 1.6: model card, files, packages with their hashes.",
        "modelyard bom v7 --output v7.cdx.json",
        "modelyard.cli.bom",
        (CONFIG, REGISTRY, Flag("output", "write it to this file; without this, it is printed")),
        (VERSION,),
        group="registry",
    ),
    Command(
        "diff",
        "Compare two versions, or a version and the run at hand: metrics, gates, data, parameters, packages, features.",
        "modelyard diff champion run",
        "modelyard.cli.diff",
        (CONFIG, RUN_DIR, REGISTRY, FORMAT, JSON),
        (
            Argument(
                "old", "a version: champion, v7, sha256:…, champion@2026-05-03; or run, what the run folder holds"
            ),
            Argument("new", "another one"),
        ),
        group="look",
    ),
)

_COMPLETION = (
    Command(
        "completion",
        "Print what completes commands and flags in a shell: bash, zsh or fish.",
        "modelyard completion bash > ~/.local/share/bash-completion/completions/modelyard",
        "modelyard.cli.completion",
        (),
        (Argument("shell", "bash, zsh or fish", choices=("bash", "zsh", "fish")),),
        group="setup",
    ),
)

_INTERNAL = (
    Command(
        "conclude",
        "The root action's last step: ends as the first stage that did not end well.",
        "modelyard conclude",
        "modelyard.cli.job_status",
    ),
    Command(
        "answer",
        "Answer the command in the comment that started this job of GitHub Actions.",
        "modelyard answer",
        "modelyard.cli.answer",
        (
            Flag("judging-workflow", "file of the workflow that judges pull requests"),
            Flag("train-workflow", "file of the workflow that retrain starts"),
            Flag("rollback-workflow", "file of the workflow that promote and rollback start"),
        ),
    ),
)
"""What actions call and people do not; not in the help."""

COMMANDS: Catalogue[Command] = Catalogue("command", "command/unknown")
"""What the help lists, in this order."""
INTERNAL_COMMANDS: Catalogue[Command] = Catalogue("command", "command/unknown")
for _command in (*_OTHERS[:1], *map(with_actions, STEP_COMMANDS), *_OTHERS[1:], *_COMPLETION):
    COMMANDS.register(replace(_command, group="watch") if _command.name in _WATCH else _command)
for _command in _INTERNAL:
    INTERNAL_COMMANDS.register(_command)
