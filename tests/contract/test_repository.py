"""What holds for the repository as a whole: documents, workflows, locks, generated files, names that may not appear."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from modelyard.cli.commands import COMMANDS
from modelyard.config.load import is_of_outcomes, load
from modelyard.config.outcomes import parse
from modelyard.generate import write as generate

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
CONFIGURATIONS = sorted((ROOT / "examples").glob("*/modelyard.yml"))


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL)


def test_generated_files_are_current() -> None:
    assert generate.main(["--check"]) == 0


def test_locks_are_fresh_and_a_changed_input_is_noticed(tmp_path: Path) -> None:
    check = [sys.executable, str(ROOT / "requirements" / "lock.py"), "--check"]
    assert subprocess.run(check, check=False, capture_output=True).returncode == 0
    copy = tmp_path / "requirements"
    copy.mkdir()
    for path in (ROOT / "requirements").iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    text = (ROOT / "pyproject.toml").read_text("utf-8").replace('"requests>=2.32"', '"requests>=2.33"')
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, str(copy / "lock.py"), "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "carry.txt is stale" in done.stdout


@pytest.mark.parametrize("lock", ["carry", "ml"])
def test_mlflows_client_changes_no_version_of_a_package_that_a_model_could_notice(lock: str) -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        return set(re.findall(r"^[\w.-]+==[\w.+-]+", text, flags=re.MULTILINE))

    others = {pin.partition("==")[0] for pin in pins(lock) - pins(f"{lock}-mlflow")}
    assert others <= {"certifi"}  # a list of certificate authorities, of which the client wants the newest


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_a_lock_holds_pins_with_hashes_and_no_option(lock: Path) -> None:
    lines = [line for line in lock.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert not [line for line in lines if line.startswith("-")]
    assert all("==" in line or "--hash=sha256:" in line for line in lines)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_configurations_in_documents_load(path: Path, tmp_path: Path) -> None:
    for block in _blocks(path, "yaml"):
        if isinstance(yaml.safe_load(block), dict) and "model" in yaml.safe_load(block):
            if is_of_outcomes(yaml.safe_load(block)):
                parse(block, path.name)
                continue
            (tmp_path / "modelyard.yml").write_text(block, "utf-8")
            load(tmp_path / "modelyard.yml", root=tmp_path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_documents_exist(path: Path) -> None:
    for block in _blocks(path, "sh"):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["modelyard"]:
                assert words[1] in COMMANDS, line
                flags = {flag.name for flag in COMMANDS.get(words[1]).flags}
                assert {word[2:].split("=")[0] for word in words if word.startswith("--")} <= flags, line
            if words[:1] == ["make"]:
                assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8"), line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.parent.name)
def test_the_published_schema_accepts_the_examples_and_refuses_a_slip(path: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "modelyard.schema.json").read_bytes())
    data = yaml.safe_load(path.read_text("utf-8"))
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "evalute": {}}, schema)


def test_the_published_schema_of_outcomes_accepts_the_example_and_refuses_a_slip() -> None:
    schema = json.loads((ROOT / "schemas" / "outcomes.schema.json").read_bytes())
    text = (ROOT / "examples" / "outcomes" / "outcomes.yml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text.replace("outcome: passed", "outcom: passed")), schema)


def test_the_own_script_example_needs_at_most_15_lines() -> None:
    text = (ROOT / "examples" / "own-script" / "modelyard.yml").read_text("utf-8")
    assert len(text.splitlines()) <= 15


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_grant_nothing_by_default_and_pin_by_commit(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    for line in path.read_text("utf-8").splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


HOSTS = "|".join(["py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "proxy." + "golang", "deb." + "debian"])


def test_no_package_registry_and_no_path_of_a_machine_is_named() -> None:
    pattern = re.compile(rf"{HOSTS}|(?<![\w./])/(?:work|home|root|Users)/")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _tracked()
        if path.suffix not in {".png", ".parquet"} and path.name != "test_repository.py"
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", COMMANDS.names())
def test_help_of_every_command_shows_an_example(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelyard", name, "--help"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"example: modelyard {name}" in done.stdout


def test_help_builds_no_model_and_loads_no_heavy_library() -> None:
    script = (
        "import sys; from modelyard.cli.main import main; main(['--help']); main(['run', '--help']);"
        "heavy = {'pydantic', 'yaml', 'polars', 'pandas', 'numpy', 'sklearn', 'great_expectations'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True, capture_output=True)


def test_silencers_have_a_reason_beside_them() -> None:
    silencer = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
    bare = re.compile(r"#\s*(?:noqa(?:: [A-Z0-9, ]+)?|type:\s*ignore(?:\[[\w, -]+\])?)\s*$")
    code = [path for path in _tracked() if path.suffix == ".py" and path.name != "test_repository.py"]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in code
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if silencer.search(line) and bare.search(line)
    ]
    assert found == []
