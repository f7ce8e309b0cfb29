"""A record or an error as annotations on the run's page: one for each that needs a person's eye."""

from modelyard.core.errors import ModelyardError
from modelyard.github.log import Annotation
from modelyard.records.envelope import Envelope
from modelyard.steps.catalogue import STEPS
from modelyard.steps.presenter import Places


def of_record(envelope: Envelope, places: Places, *, red: bool) -> list[Annotation]:
    """Return what did not pass.

    Args:
        envelope: the record of a step that ended with a result.
        places: the files that they point into.
        red: the step ends red; otherwise these are warnings, as in report-only.
    """
    record = envelope.record
    present = STEPS.get(record.step).present
    return present.annotations(envelope, record.outcome, places, "error" if red else "warning")


def of_error(error: ModelyardError) -> list[Annotation]:
    """Return one for each mistake that was found."""
    problems = error.problems
    return [_of_one(problem) for problem in problems]


def _of_one(error: ModelyardError) -> Annotation:
    message = f"{error.message}\n{error.hint}" if error.hint else error.message
    place = error.place
    if place is None:
        return Annotation("error", message, title="modelyard")
    return Annotation("error", message, title=place.key or "modelyard", file=place.file, line=place.line)
