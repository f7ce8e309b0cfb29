"""The ledger of a model in MLflow: versions of the registered model ``<model>.journal``, numbered by the server.

MLflow has no compare-and-swap, but it hands every new version of a registered model the next number, and never one
twice. So a line of the ledger is such a version, its content in its tags, and every reader adds the lines up in the
server's order by one rule: a journal entry counts where it names the entry that counts before it, and else it is void,
since its writer had not seen what came in between; a publication counts where neither its number nor its content was
published before, unless that was removed. A line that was edited or deleted by hand breaks the ledger, and nothing is
moved on a broken one.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from modelyard.core.canonical import canonical
from modelyard.core.errors import PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.records.manifest import why
from modelyard.records.results import Digest, Part
from modelyard.registry.journal import EMPTY, JournalEntry, State, fold
from modelyard.registry.mlflow.server import Missing, Server, Taken

LINE, DIGEST, NONCE, RUN, HEAD = (f"modelyard.{name}" for name in ("line", "digest", "nonce", "run", "head"))
RESTORE = (
    "Put the server's database back from a backup; versions of a .journal model are not for editing. Nothing is moved "
    "while its history cannot be read."
)
_PAGE = 5000


class Published(Part):
    """A line that makes a version exist."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["modelyard/published/v1"] = Field(default="modelyard/published/v1", alias="schema")
    number: Annotated[int, Field(ge=1)]
    run: Annotated[str, Field(pattern=r"^[0-9a-zA-Z_-]{1,64}$")]
    """The MLflow run that holds its files."""
    model: Digest
    identity: Digest
    manifest: Digest

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return canonical(self.model_dump(mode="json", by_alias=True))


_LINE: TypeAdapter[JournalEntry | Published] = TypeAdapter(
    Annotated[JournalEntry | Published, Field(discriminator="schema_")]
)
_OURS = re.compile(r"v\d+ published|entry \d+: .*")
"""The description of a line, by which one that lost its tags is still known."""


@dataclass
class LedgerState:
    """What the lines up to the last one add up to."""

    last: int = 0
    journal: State = EMPTY
    entries: list[JournalEntry] = field(default_factory=list)
    published: dict[int, Published] = field(default_factory=dict)
    identities: dict[str, int] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    """Nonces of the lines that count."""
    known: set[str | None] = field(default_factory=lambda: {None})
    """Digests of the entries that count, and nothing, which the first one follows."""
    digests: dict[int, str] = field(default_factory=dict)

    @property
    def numbers(self) -> list[int]:
        """The number of every version, ascending."""
        return sorted(self.published)


class Ledger:
    """The ledger of one model.

    Args:
        server: where it is.
        model: name of the model.
        experiment: makes or finds the experiment's id; only asked by the first writer.
    """

    def __init__(self, server: Server, model: str, experiment: Callable[[], str]) -> None:
        self.server = server
        self.name = f"{model}.journal"
        self._model = model
        self._experiment = experiment
        self._sum = LedgerState()
        self._where: tuple[str, str] | None = None

    def read(self, *, anew: bool = False) -> LedgerState:
        """Return what the lines add up to now; only new ones are asked for, unless ``anew``.

        Raises:
            PlatformError: a line is missing or was changed, or the server does not answer.
        """
        total = LedgerState() if anew else self._sum
        first = total.last == 0
        self._sum = LedgerState()  # what fails half way is not kept
        self._add_new(total)
        if first:
            self._compare_head(total)
        self._sum = total
        return total

    def _add_new(self, total: LedgerState) -> None:
        for version in self._after(total.last):
            self._add(total, version)

    def append(self, line: JournalEntry | Published) -> bool:
        """Add a line; whether it counts. One that does not changes nothing."""
        run, source = self._place()
        data, nonce = line.to_bytes(), uuid.uuid4().hex
        tags = {LINE: data.decode(), DIGEST: sha256_bytes(data), NONCE: nonce}
        self.server.made(self.name, source, run, tags, _told(line))
        total = self.read()
        if nonce in total.counted:
            self._point(total)
            return True
        return False

    def _add(self, total: LedgerState, version: Any) -> None:
        number = int(version.version)
        if number != total.last + 1:
            raise self._broken(total.last + 1, "was deleted by hand")
        tags = version.tags
        data = tags.get(LINE, "").encode()
        digest = sha256_bytes(data)
        total.last = number
        total.digests[number] = digest
        if _is_foreign(version):
            return
        if not data or tags.get(DIGEST) != digest:
            raise self._broken(number, "was changed by hand")
        try:
            line = _LINE.validate_json(data)
            counts = _publish(total, line) if isinstance(line, Published) else self._enter(total, line, digest, number)
        except ValidationError as error:
            raise self._broken(number, f"cannot be read: {why(error)}") from error
        if counts:
            total.counted.add(tags.get(NONCE, ""))

    def _enter(self, total: LedgerState, entry: JournalEntry, digest: str, number: int) -> bool:
        if entry.previous != total.journal.head_digest:
            if entry.previous in total.known:
                return False
            raise self._broken(number, "follows an entry that is not there, so one was changed")
        total.journal = fold([(entry, digest)], total.journal)
        total.known.add(digest)
        total.entries.append(entry)
        return True

    def _after(self, last: int) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            try:
                with self.server.talking(f"read {self.name}"):
                    page = self.server.client.search_model_versions(
                        f"name = '{self.name}' AND version_number > {last}",
                        max_results=_PAGE, order_by=["version_number ASC"], page_token=token,
                    )  # fmt: skip
            except Missing:
                return found
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda version: int(version.version))

    def _compare_head(self, total: LedgerState) -> None:
        """Compare with the late line that the registered model remembers: no end of the ledger vanishes unseen."""
        try:
            with self.server.talking(f"read {self._model}"):
                tags = self.server.client.get_registered_model(self._model).tags
        except Missing:
            return
        number, _, digest = tags.get(HEAD, "0 ").partition(" ")
        known = int(number) if number.isascii() and number.isdigit() else 0
        if known > total.last:
            self._add_new(total)  # somebody may have written in between
        if known and total.digests.get(known) != digest:
            raise self._broken(known, "was deleted or changed by hand")

    def _point(self, total: LedgerState) -> None:
        try:
            with self.server.talking(f"write to {self._model}"):
                self.server.client.set_registered_model_tag(
                    self._model, HEAD, f"{total.last} {total.digests[total.last]}"
                )
        except Missing:
            return  # deleted by hand; the next look at its versions says so

    def begin(self) -> None:
        """Make both registered models and the run that lines name as their source, where they are not there yet."""
        from modelyard.registry.mlflow.pages import ABOUT_JOURNAL, ABOUT_MODEL

        client = self.server.client
        for name, about in ((self._model, ABOUT_MODEL), (self.name, ABOUT_JOURNAL)):
            try:
                with self.server.talking(f"make the registered model {name}"):
                    client.create_registered_model(name, tags={"modelyard.model": self._model}, description=about)
            except Taken:
                continue

    def _place(self) -> tuple[str, str]:
        """Return the run and the source that a line names: MLflow wants every version to come from a run's files."""
        if self._where is None:
            client = self.server.client
            with self.server.talking(f"read {self.name}"):
                run = client.get_registered_model(self.name).tags.get(RUN)
                if run is None:
                    made = client.create_run(
                        self._experiment(), run_name="journal", tags={"modelyard.model": self._model}
                    )
                    run = made.info.run_id
                    client.set_terminated(run)
                    client.set_registered_model_tag(self.name, RUN, run)
                self._where = (run, client.get_run(run).info.artifact_uri)
        return self._where

    def _broken(self, number: int, what: str) -> PlatformError:
        return PlatformError(
            f"line {number} of the registered model {self.name} in MLflow {what}",
            code="registry/broken-journal",
            hint=RESTORE,
        )


def _is_foreign(version: Any) -> bool:
    """Return whether somebody registered a version of their own here, which says nothing."""
    return not any(tag.startswith("modelyard.") for tag in version.tags) and not _OURS.fullmatch(
        version.description or ""
    )


def _publish(total: LedgerState, line: Published) -> bool:
    before = total.identities.get(line.identity)
    if line.number in total.published or (before is not None and not total.journal.is_removed(before)):
        return False
    total.published[line.number] = line
    total.identities[line.identity] = line.number
    return True


def _told(line: JournalEntry | Published) -> str:
    """Return what MLflow's pages show of a line: names of a fixed form alone, since they render Markdown."""
    if isinstance(line, Published):
        return f"v{line.number} published"
    return f"entry {line.seq}: {line.kind}" + (f", {line.alias} is {line.to}" if line.alias else "")
