"""Which photos are imported, into which source, and which classes that source labels."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from streetsight.datasets.classes import DROP, ClassMap
from streetsight.datasets.formats.labels import ForeignLabels, Problem, Reading, UsageError
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.formats.request import ImportRequest, ImportSummary, Refused
from streetsight.datasets.formats.sidecar import FoundSidecar, SidecarPhoto


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a photo goes: the name of its source folder, and what a sidecar remembers of it."""

    source: str
    remembered: SidecarPhoto | None = None


def labels_by_photo(
    reading: Reading, photos: PhotoIndex, missing_are_empty: bool, summary: ImportSummary
) -> list[ForeignLabels]:
    """One entry per photo, in order.

    A photo that nothing is said of is empty if we are told so, else a problem; one that is labelled twice is
    a problem, since both cannot be the truth.
    """
    found: dict[str, list[ForeignLabels]] = defaultdict(list)
    for each in reading.labels:
        found[each.photo].append(each)
    for photo in photos.photos if reading.scope is None else reading.scope:
        if photo not in found and missing_are_empty:
            found[photo].append(ForeignLabels(photo, photo, (), "fraction"))
        elif photo not in found:
            message = "no labels for this photo; if it shows nothing, add --missing-labels-are-empty"
            summary.problem(photo, Problem(photo, "", message))
    for photo, several in found.items():
        if len(several) > 1:
            first, second = several[0].file, several[1].file
            twice = Problem(second, "", "labels {photo} again, after {first}", photo=photo, first=first)
            summary.problem(photo, twice)
    return [several[0] for _, several in sorted(found.items()) if len(several) == 1]


def origins_of(
    labels: list[ForeignLabels], request: ImportRequest, sidecar: FoundSidecar | None, summary: ImportSummary
) -> dict[str, Origin]:
    """Photo -> where it goes. What a sidecar does not know, or knows and is not there, is a problem.

    Raises:
        UsageError: for a source name that is missing, or cannot be given.
    """
    if sidecar is None:
        if request.name is None:
            raise UsageError("the source needs a name: add --name")
        return {each.photo: Origin(_folder_name(request.name)) for each in labels}
    if request.name is not None and len(sidecar.content.sources) > 1:
        raise UsageError(
            "{path} holds the sources {sources}, which keep their names; leave --name out",
            path=request.path, sources=", ".join(sidecar.content.sources),
        )  # fmt: skip
    remembered = {sidecar.folder + each.file: each for each in sidecar.content.photos}
    origins = {}
    for each in labels:
        about = remembered.pop(each.photo, None)
        if about is None or about.source not in sidecar.content.sources:
            message = "is not in streetsight.json: added later? --ignore-sidecar imports it"
            summary.problem(each.photo, Problem(each.photo, "", message))
        else:
            origins[each.photo] = Origin(_folder_name(request.name or about.source), about)
    for photo in sorted(remembered.keys() - {photo for photo, _ in summary.problems}):
        summary.problem(photo, Problem(photo, "", "is in streetsight.json, and not here; export again"))
    return origins


def check_classes(labels: list[ForeignLabels], classes: ClassMap, summary: ImportSummary) -> None:
    """Refuse classes that the mapping does not know: without their boxes they would read as "absent".

    Raises:
        Refused: with counts, and the options that settle it.
    """
    counts = Counter(box.label for each in labels for box in each.boxes)
    unknown = {label: count for label, count in counts.items() if not classes.knows(label)}
    if unknown:
        raise Refused(
            summary,
            "classes that are not ours: {counts}. Say what they are, or - to drop their boxes: {options}  "
            "Ours are: {known}",
            counts=", ".join(f"{label} ({count})" for label, count in unknown.items()),
            options=" ".join(f'--classes "{label}={DROP}"' for label in unknown),
            known=", ".join(classes.taxonomy.names),
        )
    summary.dropped.update({label: count for label, count in counts.items() if classes[label] is None})


def labelled_classes(
    labels: list[ForeignLabels], origins: dict[str, Origin], declared: tuple[str, ...],
    request: ImportRequest, sidecar: FoundSidecar | None, summary: ImportSummary,
) -> dict[str, frozenset[str]]:  # fmt: skip
    """Source -> classes that it labelled wherever they occur: as told, as remembered, or as declared.

    Raises:
        Refused: when there are boxes of others, or a sidecar names what we do not have.
    """
    used: dict[str, set[str]] = defaultdict(set)
    for each in labels:
        mapped = (request.classes[box.label] for box in each.boxes)
        used[origins[each.photo].source] |= {name for name in mapped if name}
    said = {name for each in declared if request.classes.knows(each) and (name := request.classes[each])}
    found = {}
    for source, remembered in {each.source: each.remembered for each in origins.values()}.items():
        if request.labelled is not None:
            found[source] = request.labelled
        elif sidecar is not None and remembered is not None:
            found[source] = sidecar.content.labelled_classes(remembered.source)
        else:
            found[source] = frozenset(said | used[source])
        extra = used[source] - found[source] | found[source] - set(request.classes.taxonomy.names)
        if extra:
            raise Refused(
                summary,
                "{source} is said to label {labelled} wherever they occur, but there is {extra} too: "
                'name all of them in --labelled, or drop some: --classes "name=-"',
                source=source, labelled=", ".join(sorted(found[source])), extra=", ".join(sorted(extra)),
            )  # fmt: skip
    return found


def _folder_name(name: str) -> str:
    if not name or name.startswith(".") or re.search(r"[\x00-\x1f/\\:]", name) or len(name.encode()) > 200:
        raise UsageError(
            "source name {name}: expected a plain folder name without / \\ or :", name=repr(name)
        )
    return name
