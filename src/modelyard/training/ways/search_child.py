"""The process in which candidates are fitted with the user's packages: ``python -I -m <this module> job.json``.

Progress, and at the end what was made or what went wrong, go to the parent as lines of JSON on what was its standard
output; what packages print goes to the log.
"""

import json
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.config.configuration import Config
from modelyard.core.errors import ModelyardError, Place
from modelyard.training.job import TrainingRows, Workplace
from modelyard.training.ways.search import SearchWay

FAILED = 3


def main(path: str) -> int:
    """Run a job file; returns the exit code."""
    job = json.loads(Path(path).read_text("utf-8"))
    # Standard output is the pipe to the parent; from here on, what packages print there goes to the log.
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(channel, "w", encoding="utf-8") as answers:

        def tell(what: str, *values: Any) -> None:
            answers.write(f"{json.dumps([what, *values])}\n")
            answers.flush()

        try:
            tell("made", _search(job, tell))
        except ModelyardError as error:
            key = json.loads(error.place.key) if error.place and error.place.key else None
            tell("error", type(error).__name__, error.message, error.code, error.hint, key)
            return FAILED
        except Exception as error:  # what a package of the user's raises ends as its kind; the rest is in the log
            traceback.print_exc()
            tell("error", "DataError", f"{type(error).__name__} in the process that fits candidates", "", "", None)
            return FAILED
    return 0


def _search(job: dict[str, Any], tell: Any) -> dict[str, Any]:
    import polars as pl

    from modelyard.training.train import job_of

    at = Workplace(
        base=Path(job["base"]),
        root=Path(job["root"]),
        state=Path(job["state"]),
        out=Path(job["model_dir"]),
        environments=Path(job["environments"]),
        place=lambda key: Place("", None, json.dumps(key)),
    )
    rows = TrainingRows(frame=pl.read_parquet(job["rows"]), digest=job["rows_digest"])
    way = SearchWay()
    known = job_of(Config.model_validate(job["config"]), way, rows, at, job["inputs"])
    told = replace(
        at,
        progress=lambda done, total, what: tell("progress", done, total, what),
        say=lambda text: tell("say", text),
    )
    made = way.run(replace(known, at=told), Path(job["model_dir"]), Path(job["scratch"]))
    return {
        "fit_digest": made.fit_digest,
        "adapter": made.adapter,
        "fits": made.fits,
        "from_cache": made.from_cache,
        "candidates": [row.model_dump(mode="json") for row in made.candidates],
        "folds": made.folds,
        "follow": made.follow,
        "threshold": made.threshold,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
