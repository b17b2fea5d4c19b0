"""`streetsight patrol`: folders and videos of patrols in, candidates on a map out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang, spoken_errors

if TYPE_CHECKING:
    from streetsight.inference.pipeline import Options
    from streetsight.inference.video.clips import Stamped
    from streetsight.models.releases import Release

# Everything heavy is imported when a verb runs, so that `--help` answers at once.

EXIT_SOME_FAILED, DISTRICT_DIGITS = 1, 6


def patrol(
    paths: Annotated[
        list[str], typer.Argument(metavar="DIR|VIDEO...", help="Folders of photos and videos, or videos.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for all results; without it candidates go to stdout."),
    ] = None,
    track: Annotated[
        list[Path] | None,
        typer.Option(
            "--track", "--gpx", help="GPX or NMEA; one for all, or one per path. Else one in the folder."
        ),
    ] = None,
    device: Annotated[
        list[Path] | None, typer.Option(help="Device profile (YAML); one for all, or one per path.")
    ] = None,
    zones: Annotated[Path | None, typer.Option(help="Zones (GeoJSON): no parking, permitted, ...")] = None,
    rules: Annotated[Path | None, typer.Option(help="What a city's rules say differently (TOML).")] = None,
    areas: Annotated[Path | None, typer.Option(help="Areas (GeoJSON) to measure coverage in.")] = None,
    image_zones: Annotated[
        list[Path] | None, typer.Option(help="Zones on the picture of a fixed camera (YAML); repeatable.")
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(help="What earlier runs saw (JSON lines): merged with, re-checked, written back."),
    ] = None,
    district: Annotated[
        str | None, typer.Option(help="Six digits of GB/T 2260, for the full code in the CSV.")
    ] = None,
    every_m: Annotated[float, typer.Option(min=0.1, help="Of videos: metres between frames.")] = 4.0,
    every_s: Annotated[float, typer.Option(min=0.01, help="The same in seconds, without a track.")] = 0.5,
    stamped: Annotated[
        str, typer.Option(help="start | end: when the camera writes a video's creation time.")
    ] = "start",
    annotated: Annotated[
        bool, typer.Option("--annotated", help="Write every frame with boxes, not only the evidence.")
    ] = False,
    min_score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Use this instead of the release's thresholds per class."),
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Only these classes or conditions, by comma.")] = None,
    tile: Annotated[bool, typer.Option("--tile", help="Also look at overlapping tiles; slower.")] = False,
    release: Annotated[
        str | None, typer.Option(help="A release by name, or a folder with model.onnx and card.json.")
    ] = None,
    provider: Annotated[str, typer.Option(help="cpu | onnx | openvino | cuda | tensorrt")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Implied: data is always JSON.")] = False,
    lang: Lang = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no tables.")] = False,
) -> None:
    """From patrols to candidate issues: one thing in the street, one lead, at the right place.

    Each path is the outing of one device. Things are tracked, located on the ground, merged over all
    patrols, and judged by the rules; what was seen of the ground is measured.

    Examples:

      streetsight patrol monday/ tuesday/ --device car-07.yaml --zones zones.geojson -o out

      streetsight patrol dashcam.mp4 --gpx track.gpx --device car-07.yaml -o out

      streetsight patrol today/ --places places.jsonl -o out

    Exit status: 0 everything was read, 1 some photos or videos were not, 2 usage, 3 release or city data.
    """
    from streetsight.inference.job import JobError
    from streetsight.inference.patrol.ground import UnmaskedError
    from streetsight.inference.patrol.handing_out import hand_out
    from streetsight.inference.patrol.job import Request, run
    from streetsight.inference.patrol.looking import Spacing
    from streetsight.inference.patrol.memory import PlacesFileError
    from streetsight.inference.rules.image_zones import ImageZoneError
    from streetsight.inference.rules.settings import RulesError
    from streetsight.inference.rules.zone_files import ZoneFileError
    from streetsight.models.releases import load_release

    data_errors = (UnmaskedError, PlacesFileError, ImageZoneError, RulesError, ZoneFileError)
    with spoken_errors(lang, data_errors) as language:
        chosen = load_release(release)
        if output is None and annotated:
            raise JobError("pictures and reports need a folder: add --output DIR")
        request = Request(
            paths=tuple(paths), output=output, tracks=tuple(track or ()), profiles=tuple(device or ()),
            zones=zones, rules=rules, areas=areas, image_zones=tuple(image_zones or ()), places=places,
            district=_checked_district(district),
            spacing=Spacing(every_m, every_s, _checked_stamp(stamped)),
            options=_options(chosen, min_score, classes, tile), annotated=annotated, provider=provider,
            language=language, quiet=quiet,
        )  # fmt: skip
        result, looker = run(request, chosen)
        hand_out(result, looker, request)
    raise typer.Exit(EXIT_SOME_FAILED if result.failed else 0)


def _options(release: "Release", min_score: float | None, classes: str | None, tile: bool) -> "Options":
    from streetsight.inference.job import named_classes
    from streetsight.inference.pipeline import Options
    from streetsight.inference.tiling import Tiling

    return Options(min_score, named_classes(classes, release.card), Tiling(size=0) if tile else None)


def _checked_district(code: str | None) -> str | None:
    from streetsight.inference.job import JobError

    if code is not None and not (code.isascii() and code.isdigit() and len(code) == DISTRICT_DIGITS):
        raise JobError("--district {code}: expected the six digits of GB/T 2260", code=code)
    return code


def _checked_stamp(word: str) -> "Stamped":
    from streetsight.inference.job import JobError

    if word == "start":
        return "start"
    if word == "end":
        return "end"
    raise JobError("--stamped {word}: choose start or end", word=word)
