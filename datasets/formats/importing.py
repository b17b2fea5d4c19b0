"""Labels of another tool to source folders of ours: everything that is sound, and a list of what is not."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streetsight.datasets.classes import DROP
from streetsight.datasets.formats.detection import detect, read_labels
from streetsight.datasets.formats.drafting import SourceDraft, in_taxonomy_order, names_for
from streetsight.datasets.formats.geometry import checked, upright_fractions
from streetsight.datasets.formats.groups import DIGEST_LENGTH, Groups, read_groups, renamed_group
from streetsight.datasets.formats.labels import ForeignLabels, Problem, Unreadable
from streetsight.datasets.formats.origins import (
    Origin,
    check_classes,
    labelled_classes,
    labels_by_photo,
    origins_of,
)
from streetsight.datasets.formats.photos import PhotoFacts, PhotoIndex, inspect_photo
from streetsight.datasets.formats.placing import clear_abandoned, drafts, place, refuse_existing
from streetsight.datasets.formats.request import (
    ASSUMED_UPRIGHT,
    CLEARED,
    CUT_BOXES,
    IDENTICAL,
    RENAMED,
    STRAY_GROUPS,
    TURNED,
    UNSTATED_LICENCE,
    WITHOUT_GROUP,
    ImportRequest,
    ImportSummary,
    Refused,
)
from streetsight.datasets.formats.sidecar import FoundSidecar, read_sidecar
from streetsight.datasets.formats.trees import MAX_PHOTO_BYTES, Tree, is_photo, open_tree
from streetsight.datasets.formats.voc import undo_rounding

PROBLEMS_FILE = "import-problems.csv"

Watch = Callable[[list[ForeignLabels]], Iterable[ForeignLabels]]


def import_labels(request: ImportRequest, watch: Watch = iter) -> ImportSummary:
    """Read, check, convert, and place whole source folders.

    Args:
        watch: told of the photos that are gone through, for a progress bar.

    Raises:
        ExchangeError: nothing was written.
        UsageError: options that cannot be met.
    """
    with open_tree(request.path) as tree, _photo_tree(request, tree) as photo_tree:
        photos = PhotoIndex(each for each in photo_tree.files if is_photo(each))
        sidecar = None if request.ignore_sidecar else read_sidecar(tree)
        form = request.form or (sidecar.content.format if sidecar else detect(tree))
        reading = read_labels(form, tree, photos, request.drop_crowds)
        summary = ImportSummary(form)
        for note in reading.notes:
            summary.note(note, 1)
        for problem in reading.problems:
            summary.problem("", problem)
        every = labels_by_photo(reading, photos, request.missing_are_empty, summary)
        origins = origins_of(every, request, sidecar, summary)
        labels = [each for each in every if each.photo in origins]
        check_classes(labels, request.classes, summary)
        labelled = labelled_classes(labels, origins, reading.declared, request, sidecar, summary)
        groups = read_groups(request.groups_csv, request.group_by, photos)
        summary.note(STRAY_GROUPS, len(groups.strays))
        _Import(request, photo_tree, origins, labelled, groups, sidecar, summary).run(watch(labels))
    return summary


@contextmanager
def _photo_tree(request: ImportRequest, tree: Tree) -> Iterator[Tree]:
    if request.images is None:
        yield tree
    else:
        with open_tree(request.images) as photo_tree:
            yield photo_tree


@dataclass(slots=True)
class _Import:
    """The part that writes.

    Attributes:
        origins: photo -> where it goes.
        labelled: source -> classes that it labels.
    """

    request: ImportRequest
    tree: Tree
    origins: dict[str, Origin]
    labelled: dict[str, frozenset[str]]
    groups: Groups
    sidecar: FoundSidecar | None
    summary: ImportSummary
    digests: set[str] = field(default_factory=set)

    def run(self, labels: Iterable[ForeignLabels]) -> None:
        """Draft all sources, then place them."""
        request, summary = self.request, self.summary
        targets = {source: request.dataset / "sources" / source for source in self.labelled}
        summary.note(CLEARED, clear_abandoned(request.dataset))
        for target in targets.values():
            refuse_existing(target, request.replace)
        with drafts(request.dataset) as draft:
            folders = {
                source: SourceDraft(draft / source, in_taxonomy_order(classes, request.classes.taxonomy))
                for source, classes in self.labelled.items()
            }
            names = self._names()
            for each in labels:
                self._take(each, folders[self.origins[each.photo].source], names[each.photo])
            if not summary.sources:
                raise Refused(summary, "no photo could be imported; nothing was written")
            if request.strict and summary.problems:
                message = "{count} problems, and --strict was given: nothing was written"
                raise Refused(summary, message, count=len(summary.problems))
            for source, folder in folders.items():
                folder.finish(self._about(source))
                _write_problems(folder.folder / PROBLEMS_FILE, summary.problems)
            place([(folders[source].folder, target) for source, target in targets.items()], draft)

    def _names(self) -> dict[str, str]:
        if self.sidecar is not None:  # unique in their sources, and to be the same again
            return {photo: photo.rpartition("/")[2] for photo in self.origins}
        return names_for(self.origins)

    def _take(self, labels: ForeignLabels, folder: SourceDraft, name: str) -> None:
        """Write one photo with its labels, or note why not."""
        try:
            problems = list(labels.problems) or self._convert(labels, folder, name)
        except Unreadable as error:
            problems = [Problem(labels.photo, "", error.message, **error.values)]
        except Problem as fault:
            problems = [fault]
        for problem in problems:
            self.summary.problem(labels.photo, problem)

    def _convert(self, labels: ForeignLabels, folder: SourceDraft, name: str) -> list[Problem]:
        request, origin = self.request, self.origins[labels.photo]
        data = self.tree.read(labels.photo, MAX_PHOTO_BYTES)
        facts = inspect_photo(data)
        if origin.remembered is not None and origin.remembered.sha256 != facts.sha256:
            message = "is not the photo that was exported; --ignore-sidecar imports it all the same"
            raise Problem(labels.photo, "", message)
        kept = replace(labels, boxes=tuple(box for box in labels.boxes if request.classes[box.label]))
        fractions = upright_fractions(kept, facts, request.orientation)
        ours = origin.remembered is not None
        boxes, cut, problems = checked(fractions, kept, facts.upright_wh, as_they_are=ours)
        if problems:
            return problems
        if origin.remembered is not None:
            boxes = undo_rounding(boxes, fractions, origin.remembered.exact_boxes(), facts.upright_wh)
        class_names = tuple(mapped for box in kept.boxes if (mapped := request.classes[box.label]))
        link_to = self.tree.path(labels.photo) if request.link else None
        group = self._group(labels.photo, origin)
        self.summary.note(WITHOUT_GROUP, not group)
        cell = group or ("" if origin.remembered else facts.sha256[:DIGEST_LENGTH])
        folder.add(name, data, link_to, class_names, boxes, cell, labels.photo)
        self._count(kept, facts, class_names, cut, name)
        return []

    def _group(self, photo: str, origin: Origin) -> str:
        said = self.groups.of(photo, origin.source)
        if not said and origin.remembered is not None:
            return renamed_group(origin.remembered.group, origin.remembered.source, origin.source)
        return said

    def _count(
        self, labels: ForeignLabels, facts: PhotoFacts, class_names: tuple[str, ...],
        cut: int, name: str,
    ) -> None:  # fmt: skip
        summary, turned = self.summary, facts.orientation != 1 and len(labels.boxes) > 0
        summary.sources[self.origins[labels.photo].source] += 1
        summary.boxes.update(class_names)
        summary.empty += not class_names
        summary.note(CUT_BOXES, cut)
        summary.note(TURNED, turned and labels.stated_wh == facts.stored_wh != facts.upright_wh)
        by_sight = labels.stated_wh is None and self.request.orientation == "auto"
        summary.note(ASSUMED_UPRIGHT, turned and by_sight and self.sidecar is None)
        summary.note(IDENTICAL, facts.sha256 in self.digests)
        summary.note(RENAMED, name != labels.photo.rpartition("/")[2])
        self.digests.add(facts.sha256)

    def _about(self, source: str) -> dict[str, Any]:
        """What SOURCE.json says, but for the counts."""
        request = self.request
        remembered = next(each.remembered for each in self.origins.values() if each.source == source)
        if self.sidecar is not None and remembered is not None:
            about = dict(self.sidecar.content.sources[remembered.source])
        else:
            mapped = {theirs: ours or DROP for theirs, ours in request.classes.given.items()}
            imported = {"from": request.path.name, "format": self.summary.form, "classes": mapped}
            about = {"license": "unstated", "imported": imported}
            self.summary.note(UNSTATED_LICENCE, not request.licence and self.summary.sources[source])
        if request.licence:
            about["license"] = request.licence
        labelled = in_taxonomy_order(self.labelled[source], request.classes.taxonomy)
        return {**about, "name": source, "labelled_classes": list(labelled)}


def _write_problems(path: Path, problems: list[tuple[str, Problem]]) -> None:
    if not problems:
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "place", "problem", "photo left out"))
        writer.writerows((each.file, each.place, str(each), photo) for photo, each in problems)
