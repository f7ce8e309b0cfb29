"""Strict JSON in which every object knows its line: no NaN, no infinity, no key twice."""

import json
import json.decoder
import json.scanner
import math
from typing import Any, NoReturn

from modelyard.core.errors import ConfigError, Place


class Located(dict[str, Any]):
    """A JSON object with the 1-based line on which it opens."""

    line: int = 0


class _Decoder(json.JSONDecoder):
    """The standard decoder in pure Python, so that the offset of each object can be seen."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(parse_constant=self._refuse, parse_float=self._finite)
        self._text = text
        self._file = file
        self._open: list[int] = []
        self.parse_object = self._located
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]  # not in typeshed

    def _line(self, offset: int) -> int:
        return self._text.count("\n", 0, offset) + 1

    def _located(self, s_and_end: tuple[str, int], *rest: Any) -> tuple[Located, int]:
        self._open.append(s_and_end[1] - 1)
        strict, scan_once, _hook, _pairs_hook, memo = rest
        pairs, end = json.decoder.JSONObject(  # type: ignore[attr-defined]  # not in typeshed
            s_and_end, strict, scan_once, None, self._unique, memo
        )
        pairs.line = self._line(self._open.pop())
        return pairs, end

    def _unique(self, pairs: list[tuple[str, Any]]) -> Located:
        found = Located(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(
                f"{twice!r} stands twice in one object",
                hint="Keep one of them; JSON readers silently take the last.",
                place=Place(self._file, self._line(self._open[-1]), twice),
            )
        return found

    def _refuse(self, constant: str) -> NoReturn:
        since = self._open[-1] if self._open else 0
        raise ConfigError(
            f"{constant} is no JSON number",
            hint="Write a finite number, or leave the bound out.",
            place=Place(self._file, self._line(max(self._text.find(constant, since), since))),
        )

    def _finite(self, number: str) -> float:
        return value if math.isfinite(value := float(number)) else self._refuse(number)


def parse(text: str, file: str) -> Any:
    """Parse JSON; objects come back as `Located`.

    Args:
        text: the file's content.
        file: what to call the file in messages.

    Raises:
        ConfigError: not JSON, with line and column; a number that is not finite; a key twice in one object.
    """
    try:
        return _Decoder(text, file).decode(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"not JSON: {error.msg} in column {error.colno}",
            hint="Mend the file there; a JSON-aware editor shows the spot.",
            place=Place(file, error.lineno),
        ) from None
    except RecursionError:
        raise ConfigError("not a suite: nested too deeply", place=Place(file)) from None
