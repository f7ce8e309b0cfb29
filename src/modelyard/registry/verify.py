"""Is what the registry holds what was published: journal, manifests, files, records and evidence."""

from modelyard.core.errors import ModelyardError
from modelyard.records.chain import Broken, Report, verify_carried
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
    """Check the journal link by link, that every move led to a version as it still is, and every version.

    Raises:
        PlatformError: the registry cannot be read at all.
    """
    checked: list[str] = []
    broken: list[Broken] = []
    digests: dict[str, str] = {}
    try:
        versions = registry.list()
        digests |= {version.name: version.digest for version in registry.removed()}
    except ModelyardError as error:
        return Report(("versions",), (Broken("versions", error.message),))
    for version in versions:
        report = _version(registry, version)
        checked += report.checked
        broken += report.broken
        digests |= report.digests
    try:
        entries = registry.entries()
    except ModelyardError as error:
        return Report((*checked, "journal"), (*broken, Broken("journal", error.message)), digests)
    if entries:
        checked.append(f"journal of {len(entries)} entries")
    for entry in entries:
        if entry.to is not None and digests.get(entry.to) != entry.to_digest:
            now = f"{entry.to} is {digests[entry.to]}" if entry.to in digests else f"{entry.to} is gone"
            did = f"moved {entry.alias} to" if entry.alias else "removed"
            said = f"it {did} {entry.to}, which was {entry.to_digest}; {now}"
            broken.append(Broken(f"journal entry {entry.seq}", said))
    return Report(tuple(checked), tuple(broken), digests)


def _version(registry: Registry, version: Version) -> Report:
    checked = [version.name, *(f"{version.name} {file.path}" for file in version.manifest.files)]
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
    return Report(tuple(checked), tuple(broken), {version.name: version.digest})
