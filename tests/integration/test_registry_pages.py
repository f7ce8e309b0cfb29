"""``history``, ``show`` and ``diff`` through the front door: text, Markdown, JSON; hostile text stays inert."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.core.files import sha256_bytes
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Record, plain_record, write_record
from modelyard.records.results import (
    CandidateRow,
    DataSet,
    DetectResult,
    Estimate,
    EvaluateResult,
    GateResult,
    MetricRow,
    Partition,
    TrainResult,
)
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Version
from tests.integration.test_registry_gc import Run, run
from tests.registry_samples import MODEL, NOON, Clock, bundle, promote, run_folder
from tests.registry_samples import registry as local
from tests.unit.test_report_hostile import assert_only_ours

__all__ = ["run"]

HOSTILE = "<img src=x onerror=alert(1)> @everyone \u202e[x](http://evil.example) | `code` <!-- modelyard:comment -->"


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, method=(because("wilson"),), n=92, unit="day", rows=84_059)


def judged(number: int, champion: str | None) -> EvaluateResult:
    """AUC 0.90 and 0.91 …, against the champion before."""
    level = 0.89 + number / 100
    gates = [
        GateResult(
            id="g1", metric="roc_auc", operator="at_least", bound=0.8,
            verdict=Verdict.PASS, estimate=estimate(level, level - 0.01, level + 0.01),
            challenger=estimate(level, level - 0.01, level + 0.01), higher_is_better=True,
        )
    ]  # fmt: skip
    if champion:
        gates.append(
            GateResult(
                id="g2", metric="roc_auc", operator="no_worse_than", reference="champion", margin=0.005,
                verdict=Verdict.PASS,
                estimate=estimate(0.0119, 0.0062, 0.0173), challenger=estimate(level, level - 0.01, level + 0.01),
                higher_is_better=True,
            )
        )  # fmt: skip
    row = MetricRow(
        metric="roc_auc",
        higher_is_better=True,
        challenger=estimate(level, level - 0.01, level + 0.01),
        champion=estimate(level - 0.01, level - 0.02, level) if champion else None,
        baseline=0.5,
    )
    return EvaluateResult(
        test_rows=84_059,
        test_units=92,
        unit="day",
        champion=champion,
        metrics=(row,),
        gates=tuple(gates),
        rules_digest=digest("rules"),
    )


def real_run(folder: Path, number: int, champion: str | None, *, hostile: str = "") -> Path:
    """A run folder whose records say what was found, sealed one after the other."""
    run_folder(folder, f"payload {number}", champion=champion)
    (folder / "environment.txt").write_text(
        f"# python 3.11.{number} linux x86_64\nnumpy==2.{number}.0\nscikit-learn==1.9.0\n", "utf-8"
    )
    data = {"all": digest(f"data {number}")}
    sets = (
        DataSet(
            name="all",
            source="data/*.parquet",
            digest=data["all"],
            partitions=(
                Partition(path="data/1.parquet", digest=digest("first"), size=1000),
                Partition(path=hostile or f"data/{number + 1}.parquet", digest=digest(number), size=2048),
            ),
        ),
    )
    before: dict[str, Envelope] = {}
    for step in ("detect", "train", "evaluate", "report"):
        path = folder / "records" / f"{step}.json"
        record = Envelope.model_validate_json(path.read_bytes()).record
        outcome = record.outcome
        if isinstance(outcome, DetectResult):
            outcome = outcome.model_copy(update={"sets": sets})
        elif isinstance(outcome, TrainResult):
            winner = CandidateRow(
                name=hostile or "LogisticRegression",
                params={"C": float(number), "penalty": "l2"},
                score=0.9,
                seconds=1.0,
                fits=5,
                cached=False,
                winner=True,
            )
            outcome = outcome.model_copy(update={"candidates": (winner,), "test_digest": digest("test rows")})
        elif isinstance(outcome, EvaluateResult):
            outcome = judged(number, champion)
            outcome = outcome.model_copy(
                update={"carried": {"environment.txt": sha256_bytes((folder / "environment.txt").read_bytes())}}
            )
        plain = plain_record(record)
        plain["result"] = outcome.model_dump(mode="json")
        plain["data"] = data
        plain["builds_on"] = [before[link["step"]].link.model_dump() for link in plain["builds_on"]]
        before[step] = write_record(path, Record.model_validate(plain))
    return folder


def three_versions(
    tmp_path: Path, *, reason: str = "July added", hostile: str = ""
) -> tuple[LocalRegistry, list[Version]]:
    """v1 served from 3 May, v2 from 5 May, v1 again from 7 May; v3 never did."""
    clock = Clock(NOON)
    where, found, seen = local(tmp_path, clock), [], None
    for number in (1, 2, 3):
        made = real_run(tmp_path / f"run-{number}", number, seen, hostile=hostile)
        found.append(where.publish(bundle(made)))
        if number < 3:
            promote(where, found[-1], seen=seen, reason=reason)
            seen = f"v{number}"
        clock.now += timedelta(days=2)
    promote(where, found[0], seen="v2", kind="rolled-back", evidence="none", reason="errors since noon", actor="hubot")
    return where, found


def test_history_on_a_terminal_in_json_and_in_markdown(tmp_path: Path, run: Run) -> None:
    _, (one, two, _) = three_versions(tmp_path)
    code, out, _ = run("history")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"History of {MODEL}"
    assert [line.split()[0] for line in lines[4:]] == [
        "2026-05-03T12:00:00+00:00", "2026-05-05T12:00:00+00:00", "2026-05-09T12:00:00+00:00",
    ]  # fmt: skip
    assert "v2 → v1" in lines[6]
    assert "hubot" in lines[6]
    assert "errors since noon" in lines[6]
    assert two.manifest.evidence[:19] in lines[5]
    data = json.loads(run("history", "--json")[1])
    assert [(entry["from"], entry["to"], entry["to_digest"]) for entry in data] == [
        (None, "v1", one.digest), ("v1", "v2", two.digest), ("v2", "v1", one.digest),
    ]  # fmt: skip
    page = run("history", "--format", "markdown")[1]
    assert "| When | Alias | Move | What | Who | Why | Evidence |" in page
    assert "| 2026-05-05T12:00:00+00:00 | champion | v1 → v2 | promoted | octocat | July added |" in page


@pytest.mark.parametrize(
    ("moment", "version", "until"),
    [
        ("2026-05-03", "v1", "2026-05-05T12:00:00+00:00"),
        ("2026-05-05T12:00:00+00:00", "v2", "2026-05-09T12:00:00+00:00"),
        ("2026-05-20", "v1", None),
    ],
)
def test_what_served_on_a_day_who_decided_and_on_what_evidence(
    tmp_path: Path, run: Run, moment: str, version: str, until: str | None
) -> None:
    _, found = three_versions(tmp_path)
    data = json.loads(run("history", "--on", moment, "--json")[1])
    assert (data["version"], data["until"], data["removed"]) == (version, until, False)
    assert data["entry"]["to_digest"] == found[int(version[1:]) - 1].digest
    out = run("history", "--on", moment)[1]
    assert out.startswith(f"champion of {MODEL} on {moment}: {version}\n")
    assert data["entry"]["evidence"] in out


def test_what_served_is_known_after_its_bytes_are_gone(tmp_path: Path, run: Run) -> None:
    where, _ = three_versions(tmp_path)
    where.remove("v2", actor="hubot", reason="too old")
    code, out, _ = run("history", "--on", "2026-05-05")
    assert code == 0
    assert f"champion of {MODEL} on 2026-05-05: v2" in out
    assert "v2 was removed on 2026-05-09 by hubot: too old; modelyard show v2 has what is known of it." in out
    every = json.loads(run("history", "--alias", "every", "--json")[1])
    assert [entry["kind"] for entry in every] == ["promoted", "promoted", "rolled-back", "removed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["history", "--on", "2026-05-01"], "hint: The first was v1, at 2026-05-03"),
        (["history", "--on", "yesterday"], "invalid date in 'champion@yesterday'"),
        (["history", "--on", "9999-01-01"], "9999-01-01 lies in the future"),
        (["history", "--on", "2026-05-03", "--alias", "chapion"], "Did you mean 'champion'?"),
        (["history", "--on", "2026-05-03", "--alias", "every"], "--on asks about one alias"),
        (["history", "--alias", "../champion"], "invalid alias '../champion'"),
        (["history", "--alias", "ch\N{CYRILLIC SMALL LETTER A}mpion"], "invalid alias"),
        (["history", "--format", "mardown"], "[command/bad-value]\n  hint: Did you mean 'markdown'?"),
        (["show", "v9"], "[registry/unknown-version]\n  hint: The nearest is v3; there is v1 to v3."),
        (["show", "chapion"], "Did you mean 'champion'?"),
        (["show", "champion/../v1"], "'champion/../v1' does not name a version"),
        (["diff", "v1", "v4"], "there is no version v4 [registry/unknown-version]\n  hint: The nearest is v3"),
        (["diff", "v1"], "modelyard diff needs new"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_is_there(tmp_path: Path, run: Run, arguments: list[str], said: str) -> None:
    three_versions(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_show_has_metrics_with_intervals_data_packages_evidence_and_a_verified_chain(tmp_path: Path, run: Run) -> None:
    _, (_, two, _) = three_versions(tmp_path)
    code, out, _ = run("show", "v2")
    assert code == 0
    for said in (
        f"v2 of {MODEL}",
        two.manifest.evidence,
        two.manifest.model_digest,
        "verified: manifest, journal and records agree (detect, train, evaluate, report)",
        "0.9100 [0.9000, 0.9200]",
        "0.9000 [0.8900, 0.9100]",
        "roc_auc no worse than champion, margin 0.005",
        "+0.0119 [+0.0062, +0.0173]",
        "Python 3.11.2 on linux x86_64; 2 packages (--all lists them)",
        "LogisticRegression",
        "champion → v2, promoted by octocat: July added",
        "3.0 KiB",
    ):
        assert said in out, said
    data = json.loads(run("show", "v2", "--json")[1])
    assert data["chain"] == {"intact": True, "broken": [], "records": ["detect", "train", "evaluate", "report"]}
    assert data["metrics"][0]["challenger"]["low"] == pytest.approx(0.9)
    assert data["packages"] == {"numpy": "2.2.0", "scikit-learn": "1.9.0"}
    assert data["parameters"] == {
        "candidate": "LogisticRegression", "C": 2.0, "penalty": "l2", "how": "candidates", "seed": 0,
    }  # fmt: skip
    assert json.loads(run("show", "champion", "--json")[1])["aliases"] == ["champion"]
    assert "| roc_auc | 0.9100 [0.9000, 0.9200] |" in run("show", "v2", "--format", "markdown")[1].replace("\\", "")


def test_show_of_a_removed_version_has_its_manifest_and_who_removed_it(tmp_path: Path, run: Run) -> None:
    where, (_, two, _) = three_versions(tmp_path)
    where.remove("v2", actor="hubot", reason="too old")
    code, out, _ = run("show", "v2")
    assert code == 0
    assert "Its bytes were removed on 2026-05-09 by hubot: too old." in out
    assert two.manifest.model_digest in out
    assert "removed by hubot: too old" in out
    assert json.loads(run("show", "v2", "--json")[1])["removed"]["actor"] == "hubot"
    assert "The bytes of v2 were removed on 2026-05-09; only its manifest is compared." in run("diff", "v2", "v3")[1]


def test_show_names_the_first_broken_link(tmp_path: Path, run: Run) -> None:
    where, (one, _, _) = three_versions(tmp_path)
    from modelyard.records.manifest import Sealed

    forged = Sealed.seal(one.manifest.model_copy(update={"tree": "another"}))
    (where.folder / "versions" / "v1.json").write_bytes(forged.to_bytes())
    code, out, _ = run("show", "v1")
    assert code == 0
    assert "BROKEN: manifest → evaluate: the tree is another in the manifest" in out
    assert "and 2 more" in out
    assert not json.loads(run("show", "v1", "--json")[1])["chain"]["intact"]


def test_diff_shows_what_differs_and_what_does_not(tmp_path: Path, run: Run) -> None:
    three_versions(tmp_path)
    code, out, _ = run("diff", "v1", "v2")
    assert code == 0
    for said in (
        f"v1 and v2 of {MODEL}",
        "+0.0119 [+0.0062, +0.0173]",
        "Both were judged on the same test rows",
        "not a gate",
        "all: data/2.parquet",
        "numpy",
        "2.1.0",
        "2.2.0",
        "Equal in both: features.",
    ):
        assert said in out, said
    assert "scikit-learn" not in out
    assert "data/1.parquet" not in out
    data = json.loads(run("diff", "v1", "v2", "--json")[1])
    assert data["packages"] == {"python": ["3.11.1", "3.11.2"], "numpy": ["2.1.0", "2.2.0"]}
    assert data["parameters"] == {"C": [1.0, 2.0]}
    assert data["paired"]["roc_auc"]["value"] == pytest.approx(0.0119)
    assert data["same-test-rows"] is True
    assert [row["value"] for row in data["metrics"]["roc_auc"].values()] == pytest.approx([0.9, 0.91])
    assert "configuration digest" not in data["made-of"]
    assert json.loads(run("diff", "v1", "v3", "--json")[1])["paired"] == {}
    assert "| numpy | `2.1.0` | `2.2.0` |" in run("diff", "v1", "v2", "--format", "markdown")[1].replace(
        "`numpy`", "numpy"
    )


@pytest.mark.parametrize("command", [["history"], ["show", "v2"], ["diff", "v1", "v2"]])
def test_text_from_records_and_journal_is_inert_on_a_page_and_on_a_terminal(
    tmp_path: Path, run: Run, command: list[str]
) -> None:
    three_versions(tmp_path, reason=HOSTILE.replace("\u202e", ""), hostile=HOSTILE)
    _, page, _ = run(*command, "--format", "markdown")
    assert "onerror" in page
    assert_only_ours(page)
    assert len({line.count(" | ") for line in page.splitlines() if line.startswith("| 2026")}) <= 1
    _, text, _ = run(*command)
    assert "onerror" in text
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_a_clock_that_went_back_leaves_the_history_in_the_order_of_its_numbers(tmp_path: Path, run: Run) -> None:
    clock = Clock(datetime(2026, 9, 1, tzinfo=UTC))
    where = local(tmp_path, clock)
    one = where.publish(bundle(run_folder(tmp_path / "one", "one")))
    two = where.publish(bundle(run_folder(tmp_path / "two", "two")))
    promote(where, one, seen=None)
    clock.now = NOON
    promote(where, two, seen="v1")
    entries = json.loads(run("history", "--json")[1])
    assert [(entry["seq"], entry["at"][:10]) for entry in entries] == [(1, "2026-09-01"), (2, "2026-05-03")]
    assert json.loads(run("history", "--on", "2026-05-03", "--json")[1])["version"] == "v2"
    assert json.loads(run("history", "--on", "2026-09-02", "--json")[1])["version"] == "v2"


def test_pages_need_no_model_and_change_nothing(tmp_path: Path, run: Run) -> None:
    where, (_, two, _) = three_versions(tmp_path)
    for file in two.manifest.files:
        if file.role == "model":
            path = where.folder / "blobs" / "sha256" / file.digest[7:9] / file.digest[7:]
            path.unlink()
    shutil.copytree(where.folder, tmp_path / "before")
    for command in (["history"], ["show", "v2"], ["diff", "v1", "v2"]):
        assert run(*command)[0] == 0
    assert _tree(where.folder) == _tree(tmp_path / "before")


def _tree(folder: Path) -> dict[str, Any]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
