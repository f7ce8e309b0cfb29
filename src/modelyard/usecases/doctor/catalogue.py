"""Every check. One more is a class in the file of its family, or a family in a file of its own, imported here."""

from modelyard.usecases.doctor import (  # noqa: F401 - importing a family registers its checks
    checkout,
    data,
    files,
    handover,
    online,
    permissions,
    pins,
    templates,
    triggers,
    trust,
)
from modelyard.usecases.doctor.finding import CHECKS

__all__ = ["CHECKS"]
