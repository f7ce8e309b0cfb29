"""The record around a step's result: who made it, from what, on which steps it builds, and its two digests.

``digest`` is over the whole record. ``result_digest`` leaves out when, who and where, and takes the steps before by
their own result digests, so that two machines that did the same work agree on it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from modelyard.core.canonical import canonical, digest
from modelyard.core.errors import DataError
from modelyard.core.files import read_json, write_atomic
from modelyard.core.verdict import Verdict
from modelyard.records.results import CIRCUMSTANCE, RESULTS, Digest, Part, Problem
from modelyard.records.results.kind import known_step
from modelyard.records.results.part import same_work

Step = Annotated[str, AfterValidator(known_step)]
"""Name of a step whose records are known."""
R = TypeVar("R", bound=Part)


class Link(Part):
    """A step that this one builds on."""

    step: Step
    digest: Digest
    result_digest: Digest


class Circumstances(Part):
    """When, who and where: everything that may differ between two machines that did the same work."""

    started: str
    seconds: float
    peak_memory_mib: float | None = None
    actor: str = ""
    host: str = ""
    platform: str = ""
    workspace: str = ""
    commit: str | None = None
    head: str | None = None
    base: str | None = None
    uncommitted: tuple[str, ...] = ()
    """The first few files in which the checkout differs from its commit."""
    event: str = "desk"
    run_id: str = ""
    attempt: int = 1


class Record(Part):
    """One step of one run."""

    schema_: Literal["modelyard/record/v1"] = Field(default="modelyard/record/v1", alias="schema")
    step: Step
    model: str
    verdict: Verdict
    tool_version: str
    inputs_digest: Annotated[Digest, CIRCUMSTANCE]
    """Digest of everything that this step reads: equal inputs, nothing to do."""
    environment_digest: Digest | None = None
    config_digest: Digest
    data: dict[str, Digest] = Field(default_factory=dict)
    fit_digest: Digest | None = None
    model_digest: Digest | None = None
    tree: str = ""
    champion_version: str | None = None
    builds_on: tuple[Link, ...] = ()
    result: dict[str, Any] | None = None
    problem: Problem | None = None
    circumstances: Annotated[Circumstances, CIRCUMSTANCE]

    @property
    def outcome(self) -> Part:
        """Return the step's own result model; it is read once.

        Raises:
            DataError: the step ended before it had one, or it cannot be read.
        """
        if self.result is None:
            raise DataError(
                f"the {self.step} record holds no result: the step ended with an error", code="record/no-result"
            )
        known = self.__dict__.get("_outcome")
        if known is not None and known[0] is self.result:
            outcome: Part = known[1]
            return outcome
        try:
            outcome = RESULTS.get(self.step).result.model_validate(self.result)
        except ValidationError as error:
            raise DataError(
                f"the {self.step} record's result is not readable: {error}", code="record/unreadable"
            ) from error
        self.__dict__["_outcome"] = (self.result, outcome)
        return outcome

    def read(self, kind: type[R]) -> R:
        """Return the step's result as the model that is expected.

        Raises:
            DataError: there is none, it cannot be read, or it is another step's.
        """
        outcome = self.outcome
        if not isinstance(outcome, kind):
            raise DataError(
                f"the record is one of {self.step}, and its result is not a {kind.__name__}", code="record/wrong-step"
            )
        return outcome

    def find(self, kind: type[R]) -> R | None:
        """Return the step's result as a model; None where there is none that can be read, or it is another step's."""
        try:
            return self.read(kind)
        except DataError:
            return None


class Envelope(Part):
    """A record with its digests, as it stands in a file."""

    digest: Digest
    result_digest: Digest
    record: Record

    @classmethod
    def seal(cls, record: Record) -> Self:
        """Compute the digests of a record."""
        plain = plain_record(record)
        return cls(digest=digest(plain), result_digest=digest(_same_work(plain)), record=record)

    @property
    def link(self) -> Link:
        """How a later step names this one."""
        return Link(step=self.record.step, digest=self.digest, result_digest=self.result_digest)

    def to_bytes(self) -> bytes:
        """Canonical bytes of the envelope; equal records are equal files."""
        return canonical(
            {"digest": self.digest, "record": plain_record(self.record), "result_digest": self.result_digest}
        )


def plain_record(record: Record) -> dict[str, Any]:
    """Return a record as plain JSON data."""
    plain: dict[str, Any] = record.model_dump(mode="json", by_alias=True)
    return plain


def _same_work(plain: dict[str, Any]) -> dict[str, Any]:
    """Return what two machines that did the same work agree on: no circumstances, earlier steps by result digest."""
    before = [{"step": link["step"], "result_digest": link["result_digest"]} for link in plain["builds_on"]]
    result = same_work(RESULTS.get(plain["step"]).result, plain["result"])
    kept: dict[str, Any] = same_work(Record, plain)
    return {**kept, "result": result, "builds_on": before}


def write_record(path: Path, record: Record) -> Envelope:
    """Seal a record and write it whole; an older file stays until then."""
    envelope = Envelope.seal(record)
    write_atomic(path, envelope.to_bytes())
    return envelope


def read_record(path: Path) -> Envelope:
    """Read a record and check its digests.

    Raises:
        DataError: missing, unreadable, or changed since it was written; the message says which.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: no such record",
            code="record/missing",
            hint="Run the step that writes it first, or `modelyard run`.",
        )
    try:
        plain: dict[str, Any] = read_json(path)
        envelope = Envelope.model_validate(plain)
        content = digest(plain["record"]), digest(_same_work(plain["record"]))
    except (ValueError, OSError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: not a readable record ({first_line(error)})",
            code="record/unreadable",
            hint="The file was edited or damaged; run the step again.",
        ) from error
    for name, found in zip(("digest", "result_digest"), content, strict=True):
        if plain[name] != found:
            raise DataError(
                f"{path}: the record was changed after it was written: "
                f"its {name} says {plain[name]}, its content is {found}",
                code="record/changed",
                hint="Run the step again; a changed record is never evidence.",
            )
    return envelope


def first_line(error: Exception) -> str:
    """Return the first line of an exception's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
