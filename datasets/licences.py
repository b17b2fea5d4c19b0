"""Who allows what: the licence of each source, and of each photo where its source says so."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streetsight.datasets.sources import LabelError

UNSTATED = "unstated"
ORIGIN_KEYS = ("upstream", "repo", "commit", "country")


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """What SOURCE.json says about rights and origin.

    Attributes:
        licence: as stated; "unstated" where nothing is.
        by_photo: file stem -> licence, where the source says it photo by photo.
        origin: where it comes from: those of upstream, repo, commit and country that are given.
    """

    licence: str
    by_photo: dict[str, str]
    origin: dict[str, str]

    def of(self, image: Path) -> str:
        return self.by_photo.get(image.stem, self.licence)


def read_terms(folder: Path) -> SourceTerms:
    """Of one source folder; British and American spelling are both read.

    Raises:
        LabelError: when SOURCE.json cannot be read.
    """
    path = folder / "SOURCE.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        by_photo = content.get("licences") or content.get("licenses") or {}
        return SourceTerms(
            str(content.get("licence") or content.get("license") or UNSTATED),
            {Path(name).stem: str(licence) for name, licence in dict(by_photo).items()},
            {key: str(content[key]) for key in ORIGIN_KEYS if content.get(key)},
        )
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise LabelError("cannot be read as a description ({error})", path=path, error=error) from error
