"""Great Expectations itself: imported late, because it takes seconds, and kept from printing."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the library's log lines and warnings for as long as it is at work; ours go on as before."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    silence, propagates = logging.NullHandler(), logger.propagate
    logger.addHandler(silence)
    logger.propagate = False  # a level would not do: some of its modules set their own
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(silence)


def implementations() -> dict[str, Any]:
    """Every registered expectation type with its class."""
    with quiet():
        import great_expectations.expectations.core  # noqa: F401 - importing it registers the types
        from great_expectations.expectations.registry import (
            get_expectation_impl,
            list_registered_expectation_implementations,
        )

        return {name: get_expectation_impl(name) for name in sorted(list_registered_expectation_implementations())}
