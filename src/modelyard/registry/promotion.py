"""Evaluated = promoted: whether an evaluation record is evidence for exactly what is at hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.errors import NOT_PASSED, ConfigError
from modelyard.records.envelope import Envelope, Step
from modelyard.verdict import Verdict

AGAIN = "Run `modelyard run`, so that what is at hand is what is evaluated."


class NotPassedError(ConfigError):
    """The evidence is sound and says no; that is the product's answer, so it ends with 1."""

    exit_code = NOT_PASSED


@dataclass(frozen=True)
class AtHand:
    """What is about to be promoted, and the world that it is promoted into."""

    model: str
    model_digest: str
    champion: str | None
    tree: str
    config_digest: str
    data: Mapping[str, str]


def check_evidence(records: Mapping[Step, Envelope], now: AtHand) -> Envelope:
    """The evaluation record, if it is passing evidence for exactly what is at hand.

    Args:
        records: this run's records; evaluate must build on train and detect, by digest.
        now: what is at hand.

    Raises:
        NotPassedError: the verdict is not pass.
        ConfigError: the evidence is missing, stale, or about something else; both values are shown.
    """
    evaluation, detect = records.get("evaluate"), records.get("detect")
    if evaluation is None or detect is None:
        raise ConfigError("there is no evaluation in this run folder, so there is no evidence to promote on", do=AGAIN)
    record = evaluation.record
    if record.model != now.model:
        raise ConfigError(f"the evidence is about the model {record.model!r}, not {now.model!r}", do=AGAIN)
    if record.verdict is not Verdict.PASS:
        raise NotPassedError(
            f"the evaluation's verdict is {record.verdict} ({record.verdict.words}), so nothing is promoted",
            do="Read the report; a better model, more test rows or a changed rule are the ways on.",
        )
    _check_links(records, evaluation)
    facts = (
        ("model", record.model_digest, now.model_digest),
        ("tree", record.tree, now.tree),
        ("configuration", record.config_digest, now.config_digest),
        ("configuration of this run's detect", detect.record.config_digest, now.config_digest),
        *(
            (f"data set {name}", record.data.get(name), now.data.get(name))
            for name in sorted({*record.data, *now.data})
        ),
    )
    if record.champion_version != now.champion:
        raise ConfigError(
            f"the evidence compares with {record.champion_version or 'no champion'}, "
            f"but the alias points at {now.champion or 'nothing'} now",
            do=f"Evaluate again against {now.champion}: `modelyard run`." if now.champion else AGAIN,
        )
    for what, evaluated, found in facts:
        if evaluated != found:
            raise ConfigError(f"the {what} that was evaluated is {evaluated}, but at hand is {found}", do=AGAIN)
    return evaluation


def _check_links(records: Mapping[Step, Envelope], evaluation: Envelope) -> None:
    links = {link.step: link for link in evaluation.record.builds_on}
    for step in ("detect", "train"):
        record, link = records.get(step), links.get(step)
        if record is None or link is None:
            raise ConfigError(f"the evaluation does not build on a {step} record of this run", do=AGAIN)
    for name, link in links.items():
        record = records.get(name)
        if record is None or record.digest != link.digest:
            found = "missing" if record is None else record.digest
            raise ConfigError(
                f"the evaluation builds on the {name} record {link.digest}, but this run's is {found}", do=AGAIN
            )
