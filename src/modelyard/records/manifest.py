"""The version manifest: what a published version consists of, what made it, and on what evidence it stands."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from modelyard.core.canonical import canonical, digest
from modelyard.core.vocabulary import Adapter
from modelyard.records.results import Digest, Part, Signature

NO_EVIDENCE: Literal["none"] = "none"
EVALUATION = "records/evaluate.json"
"""Where a version keeps the record that is its evidence."""

_LARGEST = 2**53 - 1


def _safe_path(path: str) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("a path in a manifest is relative and has no empty, '.' or '..' parts")
    if "\\" in path or ":" in path or not path.isprintable():
        raise ValueError("a path in a manifest has no backslash, colon or unprintable character")
    if len(path.encode("utf-8", "surrogatepass")) > 1000 or any(len(part.encode()) > 255 for part in parts):
        raise ValueError("a path in a manifest is too long")
    return path


SafePath = Annotated[str, AfterValidator(_safe_path)]
"""A POSIX path that stays below the folder it is taken relative to, on every system."""


class FileEntry(Part):
    """One file of a version; its first path part is its role: model, golden, profile, records, code, and so on."""

    path: SafePath
    digest: Digest
    size: Annotated[int, Field(ge=0, le=_LARGEST)]

    @property
    def role(self) -> str:
        """The first part of the path."""
        return self.path.split("/", 1)[0]


class Content(Part):
    """What a publisher says of a model; the registry adds number, time and files."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    model_digest: Digest
    adapter: Adapter
    signature: Signature
    environment_digest: Digest
    fit_digest: Digest | None = None
    config_digest: Digest | None = None
    data: dict[str, Digest] = Field(default_factory=dict)
    tree: str = ""
    evidence: Digest | Literal["none"]
    """Digest of the evaluation record, or "none" for a model that was adopted."""
    result_digest: Digest | None = None
    """Result digest of the evaluation record."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """A short summary for lists; the evidence holds the intervals."""
    parent: str | None = None
    """The champion at the time, such as v6."""
    predict_command: str = ""

    @model_validator(mode="after")
    def _evidence_is_whole(self) -> Self:
        if (self.evidence == NO_EVIDENCE) != (self.result_digest is None):
            raise ValueError("evidence and its result digest come together, or not at all")
        return self


class Manifest(Content):
    """One version: immutable, numbered, every file with its digest, sorted by path."""

    schema_: Literal["modelyard/version/v1"] = Field(default="modelyard/version/v1", alias="schema")
    number: Annotated[int, Field(ge=1, le=_LARGEST)]
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
    size: Annotated[int, Field(ge=0, le=_LARGEST)]
    """Bytes of all files."""
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _files_are_the_model(self) -> Self:
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("the files are not listed once each, sorted by path")
        known = set(paths)
        if any(path[:at] in known for path in paths for at, letter in enumerate(path) if letter == "/"):
            raise ValueError("a file lies below another file")
        if self.size != sum(file.size for file in self.files):
            raise ValueError(f"the size is {self.size}, the files have {sum(file.size for file in self.files)} bytes")
        found = model_digest(self.files)
        if self.model_digest != found:
            raise ValueError(f"the model digest is {self.model_digest}, the files under model/ have {found}")
        if self.evidence != NO_EVIDENCE and EVALUATION not in known:
            raise ValueError(f"there is evidence, but no {EVALUATION}")
        return self

    @property
    def name(self) -> str:
        """``v7``."""
        return f"v{self.number}"

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the canonical manifest."""
        return digest(self.model_dump(mode="json", by_alias=True))

    @property
    def identity(self) -> str:
        """Equal for two publications of one thing: the same model on the same evidence, or the same adopted files."""
        if self.evidence != NO_EVIDENCE:
            return digest([self.model_digest, self.evidence])
        plain = self.model_dump(mode="json", by_alias=True, exclude={"number", "created", "parent"})
        return digest(plain)


class Sealed(Part):
    """A manifest with its digest, as it stands in a file."""

    digest: Digest
    manifest: Manifest

    @classmethod
    def seal(cls, manifest: Manifest) -> Self:
        """Compute the digest."""
        return cls(digest=manifest.digest, manifest=manifest)

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: not a manifest, or not byte for byte what was sealed.
        """
        sealed = cls.model_validate_json(data)
        found = sealed.manifest.digest
        if sealed.digest != found:
            raise ValueError(f"the manifest was changed: its digest says {sealed.digest}, its content is {found}")
        if sealed.to_bytes() != data:
            raise ValueError("the manifest was changed: its bytes are not the canonical ones")
        return sealed


def why(error: ValueError) -> str:
    """Say what is wrong with data that does not validate, in one line without the data."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if str(part).isprintable())[:80]
    text = first["msg"].removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


def model_digest(files: Iterable[FileEntry]) -> str:
    """Digest of the files under ``model/``, by the formula of a model folder: [path, sha256] pairs sorted by path."""
    inside = [[file.path.removeprefix("model/"), file.digest] for file in files if file.path.startswith("model/")]
    return digest(sorted(inside))
