"""Which photos belong together: said by a CSV file, by the photo's folder, by a pattern, or not known."""

import csv
import io
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path

from streetsight.datasets.formats.labels import UsageError
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.sources import SHARED_GROUP_LENGTH

BY_FOLDER = "folder"

# A photo of which nothing is known is a group by its own digest, so that the same photo in two sources is in
# one group; `datasets/groups.py` knows that this says nothing, and looks for near-duplicates.
DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Groups:
    """What is known of groups.

    Attributes:
        listed: photo -> group, from a CSV file, as it is: names of six characters and more are shared
            between sources.
        by: "folder", or a regular expression over the photo's path whose first bracket (or whole match)
            is the group; always within the source.
        strays: photos that the CSV file lists and that are not there.
    """

    listed: dict[str, str] = field(default_factory=dict)
    by: str | None = None
    strays: tuple[str, ...] = ()

    def of(self, photo: str, source: str) -> str:
        """The cell for groups.csv, "" where nothing is known."""
        if photo in self.listed:
            return self.listed[photo]
        said = self._by_path(photo)
        return said if len(said) < SHARED_GROUP_LENGTH else f"{source}:{said}"

    def _by_path(self, photo: str) -> str:
        if self.by is None:
            return ""
        if self.by == BY_FOLDER:
            return posixpath.dirname(photo)
        found = re.search(self.by, photo)
        return (found[1] if found.re.groups else found[0]) or "" if found else ""


def read_groups(path: Path | None, by: str | None, photos: PhotoIndex) -> Groups:
    """Groups from what the command line was given.

    Raises:
        UsageError: for a file or pattern that cannot be used.
    """
    if by is not None and by != BY_FOLDER:
        try:
            re.compile(by)
        except re.error as error:
            raise UsageError(
                "--group-by {pattern}: not a regular expression ({reason})", pattern=by, reason=error
            ) from error
    if path is None:
        return Groups(by=by)
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(
            "{path}: cannot be read as CSV in UTF-8 ({reason})", path=path, reason=error
        ) from error
    if any(not row.get("image") or not row.get("group") for row in rows) or not rows:
        raise UsageError("{path}: expected the columns image,group, filled in each row", path=path)
    found = {row["image"]: photos.find(row["image"]) for row in rows}
    return Groups(
        listed={photo: row["group"] for row in rows if (photo := found[row["image"]])},
        by=by,
        strays=tuple(image for image, photo in found.items() if photo is None),
    )


def renamed_group(group: str, old_source: str, new_source: str) -> str:
    """The cell that reads back as this group when its source's folder is called `new_source`."""
    prefix = f"{old_source}:"
    if not group.startswith(prefix):
        return group
    own = group.removeprefix(prefix)
    return own if len(own) < SHARED_GROUP_LENGTH else f"{new_source}:{own}"
