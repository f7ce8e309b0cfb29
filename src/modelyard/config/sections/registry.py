"""``registry``: where versions and aliases live."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.core.sections import Section, Text, worded, wrong
from modelyard.core.vocabulary import RegistryKind


class Keep(Section):
    """How long versions keep their bytes when `modelyard gc` is run; manifests and history stay for good.

    Whatever stands here, a version stays while an alias points at it or pointed at it before its last move, and while
    an evaluation of the last 30 days may need it.
    """

    versions: Annotated[int, Field(ge=0, le=10**9)] = 20
    """The last versions that served."""
    days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Every version that served in as many days."""


class Registry(Section):
    """Where versions and aliases live."""

    kind: Literal["auto", RegistryKind] = "auto"
    """auto: local when run locally, github in GitHub Actions."""
    alias: Annotated[
        str,
        worded(
            r"^[a-z][a-z0-9-]{0,39}$", "lower-case letters, digits and hyphens, at most 40, beginning with a letter"
        ),
    ] = "champion"
    """The alias that promotion moves."""
    durable: bool = False
    """The local registry's folder outlives the job, so a hosted runner may use it."""
    keep: Keep = Keep()
    """What `modelyard gc` keeps."""
    via: Literal["direct", "pull-request"] = "direct"
    """How a promotion moves the alias in GitHub Actions: at once, or when a small pull request is merged."""
    allow_pickles: bool = Field(default=False, alias="allow-pickles")
    """A version that is stored as a pickle may be loaded for scoring and proofs. model.format joblib allows it too."""
    uri: Text | None = None
    """Address of the MLflow server, without credentials. Default: the variable MLFLOW_TRACKING_URI."""

    @model_validator(mode="after")
    def _uri_is_mlflows(self) -> Self:
        if self.uri is not None and self.kind in ("local", "github"):
            raise wrong(
                f"the {self.kind} registry has no uri",
                code="config/registry-option",
                at=("uri",),
                hint="Remove it, or write kind: mlflow.",
            )
        return self
