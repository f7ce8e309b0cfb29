"""What the stand-ins for upload-artifact v7 and download-artifact v8 do: a folder an artifact, below STUB_DIR."""

import glob
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path


def record(action: str, given: dict[str, str]) -> None:
    with Path(os.environ["STUB_DIR"], "calls.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"uses": action, "with": given}) + "\n")


def output(name: str, value: str) -> None:
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.write(f"{name}={value}\n")


def found(patterns: list[str], hidden: bool) -> list[Path]:
    paths: set[Path] = set()
    for pattern in patterns:
        exclude = pattern.startswith("!")
        names = glob.glob(pattern.lstrip("!"), recursive=True, include_hidden=True)  # noqa: PTH207 - patterns may be absolute
        below = {path for name in names for path in ([Path(name)] if Path(name).is_file() else Path(name).rglob("*"))}
        files = {path.resolve() for path in below if path.is_file()}
        paths = paths - files if exclude else paths | files
    if not hidden:
        here = Path.cwd().resolve()
        inside = {path: path.relative_to(here).parts if path.is_relative_to(here) else (path.name,) for path in paths}
        paths = {path for path, parts in inside.items() if not any(part.startswith(".") for part in parts)}
    return sorted(paths)


def upload(given: dict[str, str]) -> int:
    record("actions/upload-artifact", given)
    patterns = [line.strip() for line in given["path"].splitlines() if line.strip()]
    files = found(patterns, given["include-hidden-files"] == "true")
    alone = given["archive"] == "false"
    if alone and len(files) > 1:
        print("::error::When 'archive' is set to false, only a single file can be uploaded")
        return 1
    name = files[0].name if alone and files else given["name"] or "artifact"
    if not files:
        level = {"error": "error", "ignore": "debug"}.get(given["if-no-files-found"], "warning")
        print(f"::{level}::No files were found with the provided path: {given['path']}".replace("\n", " "))
        return 1 if level == "error" else 0
    # One pattern that is a folder: its contents are the root. Several: their common ancestor is.
    searched = [Path(pattern).resolve() for pattern in patterns if not pattern.startswith("!")]
    root = Path(os.path.commonpath(searched)) if len(searched) > 1 else searched[0]
    root = root if root.is_dir() else root.parent
    target = Path(os.environ["STUB_DIR"], "artifacts", name)
    if target.exists():
        print(f"::error::Failed to CreateArtifact: (409) Conflict: an artifact with this name already exists: {name}")
        return 1
    for path in files:
        to = target / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)  # permissions are not kept
    number = len(list(target.parent.iterdir()))
    output("artifact-id", str(number))
    where = (os.environ[f"GITHUB_{part}"] for part in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    server, repository, run = where
    output("artifact-url", f"{server}/{repository}/actions/runs/{run}/artifacts/{number}")
    output("artifact-digest", hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest())
    return 0


def download(given: dict[str, str]) -> int:
    record("actions/download-artifact", given)
    if given["pattern"] and not given["name"]:
        return download_all(given["pattern"], Path(given["path"] or ".").resolve())
    source = Path(os.environ["STUB_DIR"], "artifacts", given["name"])
    if not given["name"] or not source.is_dir():
        print(f"::error::Unable to download artifact(s): Artifact not found for name: {given['name']}")
        return 1
    target = Path(given["path"] or ".").resolve()
    shutil.copytree(source, target, dirs_exist_ok=True)
    output("download-path", str(target))
    return 0


def download_all(pattern: str, target: Path) -> int:
    """Put every artifact whose name fits into a folder of its own; none is no fault."""
    kept = Path(os.environ["STUB_DIR"], "artifacts")
    for source in sorted(kept.glob(pattern)) if kept.is_dir() else ():
        shutil.copytree(source, target / source.name, dirs_exist_ok=True)
    output("download-path", str(target))
    return 0


def attest(given: dict[str, str]) -> int:
    """Write down the digest of each file, in the place of a signature."""
    record("actions/attest", given)
    files = found([given["subject-path"]], hidden=False)
    if not files:
        print("::error::Could not find subject at path " + given["subject-path"])
        return 1
    bundle = Path(os.environ["RUNNER_TEMP"], "attestation.json")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    bundle.write_text(json.dumps(digests), "utf-8")
    output("bundle-path", str(bundle))
    return 0


if __name__ == "__main__":
    step, *names = sys.argv[1:]
    values = {name: os.environ.get("WITH_" + name.upper().replace("-", "_"), "") for name in names}
    sys.exit({"upload": upload, "download": download, "attest": attest}[step](values))
