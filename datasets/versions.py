"""Dataset versions: immutable manifests, addressed by their content. Photos stay where they are.

VERSIONS/<sha256 of the manifest>/manifest.jsonl   the content, see manifest.py
                                  about.json       when it was made and a note; no part of the address
"""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from streetsight.datasets.digests import Advance, digest_photos
from streetsight.datasets.licences import read_terms
from streetsight.datasets.manifest import Manifest, Photo, address_of, canonical_boxes, decode
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.splits import Parts, check_leak_free, some
from streetsight.models.durable import place_folder
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy

MANIFEST_NAME, ABOUT_NAME = "manifest.jsonl", "about.json"
ADDRESS_LENGTH = 64


class VersionError(SpokenError):
    """A dataset version cannot be built, found or believed.

    Attributes:
        offenders: the photos at fault, all of them; the message names the first.
    """

    def __init__(self, message: str, /, offenders: Sequence[str] = (), **values: object) -> None:
        if offenders:
            values |= {"count": len(offenders), "names": "".join(f"\n  {each}" for each in some(offenders))}
        super().__init__(message, **values)
        self.offenders = tuple(offenders)


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it lies in its folder."""

    address: str
    folder: Path
    manifest: Manifest
    note: str
    created: str


def freeze(
    parts: Parts, root: Path, cache: PhotoCache | None = None, advance: Advance = lambda _: None
) -> Manifest:
    """The manifest of labelled photos dealt into parts.

    Args:
        root: dataset folder that the photos lie in; the manifest names them from there.
        cache, advance: see `digest_photos`.

    Raises:
        LeakError: when a group straddles parts.
        VersionError: when a photo cannot be read or lies elsewhere, when one content is in two parts, or is
            labelled in two ways.
        LabelError: when a source's description cannot be read.
    """
    check_leak_free(parts)
    digests = digest_photos([each.image for each in _records(parts)], cache, advance=advance)
    if digests.faults:
        raise VersionError(
            "{count} photos cannot be read:{names}",
            [f"{path}: {reason}" for path, reason in sorted(digests.faults.items())],
        )
    folders = {each.image.parent for each in _records(parts)}
    terms = {folder.parent.name: read_terms(folder.parent) for folder in folders}
    places = {folder: _below(folder, root) for folder in folders}
    photos = tuple(
        Photo(
            part=part,
            source=record.source,
            file=f"{places[record.image.parent]}/{record.image.name}",
            sha256=digests.of[record.image].sha256,
            size=digests.of[record.image].size,
            group=record.group,
            labelled=tuple(sorted(record.labelled_classes)),
            boxes=canonical_boxes(record.class_names, record.boxes_cxcywh_norm),
            licence=terms[record.source].of(record.image),
        )
        for part, records in parts.items()
        for record in records
    )
    _check_contents(photos)
    origins = {source: each.origin for source, each in terms.items()}
    return Manifest(default_taxonomy().version, tuple(parts), origins, photos)


def store(manifest: Manifest, versions: Path, note: str = "") -> tuple[Version, bool]:
    """Put a manifest into its folder, all or nothing; what is there already stays as it is.

    Returns:
        the version, and whether it is new.

    Raises:
        VersionError: when what is there already was changed.
    """
    content = manifest.encode()
    folder = versions / address_of(content)
    if folder.exists():
        return open_version(folder), False
    draft = versions / f".{folder.name}.{os.getpid()}.draft"
    about = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "note": note}
    try:
        draft.mkdir(parents=True)
        (draft / MANIFEST_NAME).write_bytes(content)
        (draft / ABOUT_NAME).write_text(json.dumps(about, ensure_ascii=False) + "\n", encoding="utf-8")
        place_folder(draft, folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.exists():  # else another process was faster with the same content
            raise VersionError(
                "{path}: cannot be written ({reason})", path=folder, reason=error.strerror or error
            ) from error
        return open_version(folder), False
    return Version(folder.name, folder.resolve(), manifest, note, about["created"]), True


def open_version(version: Path) -> Version:
    """Read a version and check that its content is what its address says.

    Args:
        version: its folder, its manifest, or either with the address shortened like in git.

    Raises:
        VersionError: when there is none, or when it was changed.
    """
    folder = _folder(version)
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise VersionError(
            "{path}: not a dataset version ({reason}); build one with `streetsight dataset build`",
            path=folder, reason=error.strerror or error,
        ) from error  # fmt: skip
    address = address_of(content)
    if address != folder.name:
        raise VersionError(
            "{path}: the content has the address {actual}; it was changed, or its folder renamed; "
            "build it again",
            path=folder, actual=address,
        )  # fmt: skip
    try:
        manifest = decode(content)
    except ValueError as error:
        raise VersionError("{path}: {reason}", path=folder / MANIFEST_NAME, reason=error) from error
    about = _about(folder / ABOUT_NAME)
    return Version(address, folder, manifest, about.get("note", ""), about.get("created", ""))


def version_address(version: Path) -> str:
    """The full address of a version, checked against its content.

    Raises:
        VersionError: see `open_version`.
    """
    return open_version(version).address


def read_version(version: Path, photos: Path, verify: bool = False, cache: PhotoCache | None = None) -> Parts:
    """The labelled photos of a version, by part, each proven to be the one it was.

    A photo that has not changed on disk since its digest was last taken (see photo_cache.py) is not read
    again.

    Args:
        version: see `open_version`.
        photos: the dataset folder, wherever it is now.
        verify: read every photo, whatever the cache says.
        cache: the user's own when not given.

    Returns:
        part -> records, in order of source and image name.

    Raises:
        VersionError: see `open_version`; and when photos are missing or changed, with the list of them.
    """
    manifest = open_version(version).manifest
    paths = {photo.file: photos / photo.file for photo in manifest.photos}
    with nullcontext(cache) if cache else PhotoCache() as known:
        digests = digest_photos(paths.values(), known, verify)
    wrong = []
    for photo in manifest.photos:
        found = digests.of.get(paths[photo.file])
        if found is None:
            wrong.append(f"{photo.file}: {digests.faults[paths[photo.file]]}")
        elif found.sha256 != photo.sha256:
            wrong.append(f"{photo.file}: sha256 {found.sha256[:12]}, expected {photo.sha256[:12]}")
    if wrong:
        raise VersionError(
            "{count} photos below {path} are not those of the version:{names}\n"
            "bring back the photos as they were, or build a new version",
            wrong, path=photos,
        )  # fmt: skip
    parts: Parts = {part: [] for part in manifest.parts}
    for photo in manifest.photos:
        parts[photo.part].append(_record(photo, paths[photo.file]))
    return parts


def _records(parts: Parts) -> Iterable[LabelRecord]:
    return (record for records in parts.values() for record in records)


def _below(folder: Path, root: Path) -> str:
    if not folder.is_relative_to(root):
        raise VersionError("{path}: lies outside the dataset folder {root}", path=folder, root=root)
    return folder.relative_to(root).as_posix()


def _record(photo: Photo, image: Path) -> LabelRecord:
    return LabelRecord(
        image=image,
        source=photo.source,
        group=photo.group,
        labelled_classes=frozenset(photo.labelled),
        class_names=tuple(name for name, *_ in photo.boxes),
        boxes_cxcywh_norm=np.array([box[1:] for box in photo.boxes], np.float32).reshape(-1, 4),
    )


def _check_contents(photos: Sequence[Photo]) -> None:
    """One content is in one part, and two files of it agree on the classes that both were labelled for."""
    copies: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        copies[photo.sha256].append(photo)
    twice = [each for each in copies.values() if len(each) > 1]
    torn = [each for each in twice if len({photo.part for photo in each}) > 1]
    if torn:
        raise VersionError(
            "{count} photos are in more than one part:{names}\n"
            "one photo must not be both learned and judged: give its copies one group",
            _named(torn),
        )
    disputed = [each for each in twice if contradict(each)]
    if disputed:
        raise VersionError(
            "{count} photos are there more than once with different labels:{names}\n"
            "make the labels agree, or take one of them away",
            _named(disputed),
        )


def _named(copies: Iterable[Sequence[Photo]]) -> list[str]:
    return [" = ".join(f"{photo.file} ({photo.part})" for photo in each) for each in copies]


def contradict(copies: Sequence[Photo]) -> bool:
    """Whether two of these photos have different boxes of a class that both were labelled for."""
    first, *others = copies
    for other in others:
        shared = set(first.labelled) & set(other.labelled)
        if [box for box in first.boxes if box[0] in shared] != [b for b in other.boxes if b[0] in shared]:
            return True
    return len(others) > 1 and contradict(others)


def _folder(version: Path) -> Path:
    folder = version.parent if version.name == MANIFEST_NAME else version
    if folder.exists() or len(folder.name) >= ADDRESS_LENGTH:
        return folder.resolve()
    longer = sorted(folder.parent.glob(f"{folder.name}*/{MANIFEST_NAME}"))
    if len(longer) > 1:
        raise VersionError(
            "{path}: more than one version begins like this; give more of the address", path=folder
        )
    return longer[0].parent.resolve() if longer else folder


def _about(path: Path) -> dict[str, str]:
    """What was noted beside the content; nothing depends on it, so a lost one is no fault."""
    try:
        about: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about
