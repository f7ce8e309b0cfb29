"""Verify a registry: journal, aliases, manifests, files, records and evidence are what was published."""

from collections.abc import Iterator, Mapping, Sequence

from modelyard.core.errors import ModelyardError
from modelyard.records.chain import Broken, Report, verify_carried
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Registry, Version
from modelyard.registry.records import version_records


def verify_version(registry: Registry, reference: str) -> Report:
    """Check one version: its manifest, every file's digest, its records' chain, and its evidence.

    Raises:
        ConfigError: there is no such version.
        PlatformError: its manifest cannot be read, or was changed.
    """
    return _version(registry, registry.resolve(reference))


def verify_registry(registry: Registry) -> Report:
    """Check the journal link by link, that aliases and moves lead to versions as they still are, and every version."""
    try:
        versions = registry.list()
        digests = {version.name: version.digest for version in (*versions, *registry.removed())}
    except ModelyardError as error:
        return Report(("versions",), (Broken("versions", error.message),))
    try:
        entries = registry.entries()
    except ModelyardError as error:
        return Report(("journal",), (Broken("journal", error.message),), digests)
    aliases = {entry.alias: entry.to for entry in entries if entry.alias and entry.to}
    checked: list[str] = []
    broken: list[Broken] = []
    for version in versions:
        report = _version(registry, version)
        checked += report.checked
        broken += report.broken
    broken += _moves(entries, digests)
    for alias, name in aliases.items():
        checked.append(f"{alias} is {name}")
        broken += _alias(registry, alias, name)
    if entries:
        checked.append(f"journal of {len(entries)} entries")
    return Report(tuple(checked), tuple(broken), digests)


def _alias(registry: Registry, alias: str, name: str) -> Iterator[Broken]:
    try:
        version = registry.find(alias)
    except ModelyardError as error:
        yield Broken(alias, error.message)
        return
    if version is None or version.name != name:
        found = "nothing" if version is None else version.name
        yield Broken(alias, f"it points at {found}, and the journal moved it to {name}")


def _moves(entries: Sequence[JournalEntry], digests: Mapping[str, str]) -> Iterator[Broken]:
    for entry in entries:
        if entry.to is not None and digests.get(entry.to) != entry.to_digest:
            now = f"{entry.to} is {digests[entry.to]}" if entry.to in digests else f"{entry.to} is gone"
            action = f"moved {entry.alias} to" if entry.alias else "removed"
            yield Broken(f"journal entry {entry.seq}", f"it {action} {entry.to}, which was {entry.to_digest}; {now}")


def _version(registry: Registry, version: Version) -> Report:
    checked = (version.name, *(f"{version.name} {file.path}" for file in version.manifest.files))
    broken = list(registry.damaged(version))
    if not any(" records/" in problem.where for problem in broken):
        try:
            records = version_records(registry, version)
        except ModelyardError as error:
            broken.append(Broken(f"{version.name} records", error.message))
        else:
            broken += [
                Broken(f"{version.name} {problem.where}", problem.why)
                for problem in verify_carried(version.manifest, records)
            ]
    return Report(checked, tuple(broken), {version.name: version.digest})
