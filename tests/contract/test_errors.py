"""Every error that a user can fix has a code, and one code means one kind of mistake."""

from pathlib import Path

import pytest

from modelyard.generate.errors import Source, page, problems


@pytest.fixture(scope="module")
def source() -> Source:
    return Source()


def test_every_error_has_a_code_of_a_known_area_and_one_exit_code(source: Source) -> None:
    assert problems(source) == []


def package(folder: Path, **modules: str) -> Source:
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return Source(folder)


def test_codes_are_read_from_calls_helpers_and_catalogues(tmp_path: Path) -> None:
    source = package(
        tmp_path,
        errors="""
class Gone(PlatformError):
    def __init__(self, name):
        super().__init__(f"{name!r} is gone", code="registry/gone", hint="Push it back.")

class NotGood(ConfigError):
    exit_code = NOT_PASSED
""",
        raises="""
def refusal(path, message, code):
    return DataError(message, code=code)

def read(path, strict):
    raise refusal(path, f"cannot read {path}", "data/unreadable")
    raise NotGood("held", code="promote/held")
    message = f"{strict} | both"
    raise ConfigError(message, code="config/one" if strict else "config/two", hint="Choose one.")
    raise Gone(path)

KINDS = Catalogue("kind", "registry/unknown-kind")
""",
    )
    assert problems(source) == []
    rows = [line for line in page(source).splitlines() if line.startswith("| <a")]
    assert rows == [
        '| <a id="config-one"></a>`config/one` | 2 | … \\| both | Choose one. |',
        '| <a id="config-two"></a>`config/two` | 2 | … \\| both | Choose one. |',
        '| <a id="data-unreadable"></a>`data/unreadable` | 3 | cannot read … |  |',
        '| <a id="promote-held"></a>`promote/held` | 1 | held |  |',
        "| <a id=\"registry-gone\"></a>`registry/gone` | 4 | '…' is gone | Push it back. |",
        "| <a id=\"registry-unknown-kind\"></a>`registry/unknown-kind` | 2 | unknown kind '…' |  |",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('raise ConfigError("no")', "raises.py:1: ConfigError has no code"),
        ('raise ConfigError("no", code="no")', "raises.py:1: ConfigError: 'no' is not <area>/<kind> of a known area"),
        ('raise DataError("no", code="data/No_rows")', "raises.py:1: DataError: 'data/No_rows' is not"),
        ('raise DataError("no", code="dada/no-rows")', "raises.py:1: DataError: 'dada/no-rows' is not"),
        ('DataError("a", code="data/a")\nConfigError("b", code="data/a")', "data/a has the exit codes [2, 3]"),
        ("class Own(DataError): pass\nraise Own('no')", "raises.py:2: Own has no code"),
    ],
)
def test_a_wrong_code_is_found(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(package(tmp_path, raises=text))
    assert found.startswith(problem)
