"""The docstrings below the fields of a class, read from its source by whoever writes them out.

pydantic would read them whenever a class is made, which takes longer than making it.
"""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema


@cache
def field_docstrings(model: type) -> dict[str, str]:
    """Return the docstring of each field that has one, those of base classes included, each on one line."""
    texts: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.startswith("pydantic") or "__annotations__" not in vars(each):
            continue
        made = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        for field, below in pairwise([*getattr(made, "body", ()), ast.Pass()]):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                texts.pop(field.target.id, None)
                if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                    texts[field.target.id] = " ".join(str(below.value.value).split())
    return texts


class DescribedSchema(GenerateJsonSchema):
    """JSON Schema in which fields have their docstrings as descriptions."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Return the schema of a model, with descriptions."""
        made: dict[str, Any] = super().model_schema(schema)
        model = schema["cls"]
        for name, text in field_docstrings(model).items():
            key = model.model_fields[name].alias or name if name in model.model_fields else name
            known = made.get("properties", {}).get(key)
            if known is not None and ("$ref" not in known or "default" in known):  # what is referred to has its own
                known.setdefault("description", text)
        return made
