"""Make a release from a run: export, choose thresholds, measure, write the card. All or nothing."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from streetsight.datasets.digests import digest_photos
from streetsight.datasets.parts import read_parts
from streetsight.datasets.records import LabelRecord, data_digest
from streetsight.datasets.versions import version_address
from streetsight.models.card import (
    NAME,
    Card,
    CardClass,
    DataSource,
    Head,
    ModelInput,
    ModelOutput,
    Training,
    write_card,
)
from streetsight.models.durable import place_folder
from streetsight.models.releases import CARD_NAME, ONNX_NAME, Release, ReleaseError, load_release
from streetsight.models.taxonomy import default_taxonomy
from streetsight.models.trained_on import write_trained_on
from streetsight.training.evaluation.judging import judge, reference_detector
from streetsight.training.evaluation.metrics import evaluation
from streetsight.training.evaluation.thresholds import FALLBACK, choose, parse_rules, with_thresholds
from streetsight.training.export import Exported, export_onnx
from streetsight.training.train import RunError

NMS_IOU = 0.7
PARITY_PHOTOS = 16

LIMITS = (
    "Detections are leads. A person confirms before anything is filed, scored or fined.",
    "graffiti is proposed as 乱涂乱画; posters, flyers and stickers (非法小广告) were never trained on.",
    "street_vendor was learned from travel photos by pedestrians, not from patrol vehicles.",
    (
        "damaged_manhole, damaged_sign, manhole, sign, van, bus and bicycle rest on few photos; "
        "their figures are rough."
    ),
    "A box measures neither depth nor size: potholes and cracks need measuring before they are filed.",
    (
        "Legality, duration and ownership cannot be seen: a stall may have a permit, "
        "a vehicle may be standing lawfully."
    ),
    (
        "Photos come from China, Vietnam, Brazil, Greece, Australia, Indonesia, Korea and travel "
        "collections; elsewhere expect less. Night, rain, snow and fisheye lenses are rare in them."
    ),
    (
        "Test photos of potholes, cracks and vehicles come from few survey drives and cameras, whose groups "
        "are finer than a place: those figures are probably a little optimistic."
    ),
    "Simulated frames are used in training and never count in figures.",
)  # fmt: skip


class NameTakenError(ReleaseError, FileExistsError):
    """A release of this name is there already."""


def make_release(
    run: Path,
    name: str,
    photos: Path,
    head: Head,
    size: int | None,
    output: Path,
    threshold_rules: Sequence[str] = ("best-f1",),
    version: Path | None = None,
) -> Path:
    """Write `output/name/` with model.onnx and card.json, and return it.

    Thresholds come from the validation part; the test part is only measured.

    Args:
        size: longest side of the input, pixels; what it was trained with if None.
        threshold_rules: see `parse_rules`.
        version: the dataset version that the run learned from; the split of all sources if None.

    Raises:
        RunError: there is no run, or it learned from another version.
        RuleError: a rule cannot be read; nothing is written.
        NameTakenError: a release is immutable; choose another name.
        ParityError: the export does not compute what was trained; nothing is written.
    """
    parse_rules(threshold_rules, default_taxonomy().names)  # a slip is said before the long work
    description = run_description(run, version)
    with drafted(output, name) as draft:
        size = size or int(description["recipe"]["image_size"])
        parts = read_parts(photos, version)
        exported = export_onnx(
            run / "weights" / "last.pt", draft / ONNX_NAME, head, size, parity_photos(parts)
        )
        description["trained_on_sha256"] = _list_photos(parts["train"], description["train_digest"], draft)
        card = _card(name, exported, size, description, parts["train"], photos)
        write_card(measured(card, draft, parts, threshold_rules), draft / CARD_NAME)
    return output / name


def run_description(run: Path, version: Path | None) -> dict[str, Any]:
    """What the run says of itself; it must have learned from what it is now measured beside."""
    path = run / "run.json"
    if not path.is_file():
        raise RunError("{path}: no such file; expected the folder of a training run", path=path)
    description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    address = version_address(version) if version else None
    learned_from = description.get("version_address", address)  # older runs do not say
    if learned_from != address and learned_from:
        raise RunError(
            "{run} learned from the dataset version {address}; name its folder with --version",
            run=run, address=learned_from,
        )  # fmt: skip
    if learned_from != address:
        raise RunError("{run} learned from the split of all sources; leave out --version", run=run)
    return description


@contextmanager
def drafted(output: Path, name: str) -> Iterator[Path]:
    """A folder to fill, which becomes the release `output/name` when all went well and vanishes otherwise.

    Raises:
        NameTakenError: a release is immutable; choose another name.
        ReleaseError: the name will not do, or what was filled in is no release.
    """
    if not re.fullmatch(NAME, name):
        raise ReleaseError(
            "{name} will not do as a release's name; expected small letters, digits, points and hyphens, "
            "as spring-1", name=repr(name),
        )  # fmt: skip
    target, draft = output / name, output / f".{name}.draft"
    if target.exists():
        raise NameTakenError("{path} exists and releases are immutable; choose another name", path=target)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        load_release(draft)  # the whole, as users will read it
        place_folder(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def parity_photos(parts: Mapping[str, Sequence[LabelRecord]]) -> list[Path]:
    """Photos on which a file is compared with what it was made from: some of validation, evenly."""
    records = parts["val"]
    return [each.image for each in records[:: max(1, len(records) // PARITY_PHOTOS)]]


def measured(
    card: Card, folder: Path, parts: Mapping[str, Sequence[LabelRecord]], threshold_rules: Sequence[str]
) -> Card:
    """The card with thresholds chosen on validation photos and figures of both parts.

    Args:
        folder: holds the ONNX file.
    """
    rules = parse_rules(threshold_rules, card.class_names)
    detector = reference_detector(Release(folder / ONNX_NAME, card))
    judged = {part: judge(parts[part], detector) for part in ("val", "test")}
    card = with_thresholds(card, choose(judged["val"], card, rules))
    evaluations = tuple(
        evaluation(seen, card, part, data_digest(parts[part])) for part, seen in judged.items()
    )
    return card.model_copy(update={"evaluations": evaluations})


def _list_photos(train: Sequence[LabelRecord], digest: str, folder: Path) -> str | None:
    """Write which photos the run learned from; None where these are others than the run's `digest` says."""
    if data_digest(train) != digest:
        return None
    digests = digest_photos(each.image for each in train).of
    return write_trained_on(((digests[each.image].sha256, each.group) for each in train), folder)


def _card(
    name: str,
    exported: Exported,
    size: int,
    description: dict[str, Any],
    train: Sequence[LabelRecord],
    photos: Path,
) -> Card:
    recipe = description["recipe"]
    return Card(
        name=name,
        created=date.today(),
        architecture="yolo26n",
        licence="AGPL-3.0-or-later",
        onnx_sha256=exported.sha256,
        taxonomy_version=default_taxonomy().version,
        classes=tuple(
            CardClass(
                id=index, name=each, threshold=FALLBACK, apart=each in description.get("added_classes", ())
            )
            for index, each in enumerate(exported.class_names)
        ),
        input=ModelInput(size=size, rectangular=True),
        output=ModelOutput(head=exported.head, nms_iou=NMS_IOU if exported.head == "one_to_many" else None),
        data=_sources(train, photos),
        training=Training(
            recipe=recipe["name"],
            epochs=recipe["epochs"],
            train_photos=description["train_photos"],
            rendered_frames=len(recipe["rendered_seeds"]) * recipe["rendered_frames"],
            train_digest=description["train_digest"],
            version_address=description.get("version_address"),
            trained_on_sha256=description["trained_on_sha256"],
            start_sha256=description["start_sha256"],
            commit=description["commit"],
            versions=description["versions"],
            averaged=tuple(
                f"{each['recipe']['name']}, {each['recipe']['epochs']} epochs"
                for each in description.get("averaged", ())
            ),
            added_classes=tuple(description.get("added_classes", ())),
        ),
        parity=exported.parity,
        limits=LIMITS,
    )


def _sources(records: Sequence[LabelRecord], photos: Path) -> tuple[DataSource, ...]:
    counts = Counter(record.source for record in records)
    rows = []
    for name in sorted(counts):
        about = json.loads((photos / "sources" / name / "SOURCE.json").read_text(encoding="utf-8"))
        licence = about.get("license") or "differs per photo, several unstated"
        rows.append(
            DataSource(
                name=name,
                photos=counts[name],
                labelled_classes=tuple(sorted(about["labelled_classes"])),
                licence=licence,
            )
        )
    return tuple(rows)
