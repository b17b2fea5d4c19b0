"""`streetsight dataset suggest`: which photos to label next, and why."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang, spoken_errors

if TYPE_CHECKING:
    from streetsight.models.taxonomy import Language
    from streetsight.training.selection.looking import Look
    from streetsight.training.selection.suggestion import Suggestions


def suggest(
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTOS...",
            help="Unlabelled photos: folders, globs in quotes, zip archives, or the "
            "detections.jsonl of a `detect` run.",
        ),
    ],
    labelled: Annotated[
        Path | None,
        typer.Option(help="Labelled photos (sources/<name>/): counted, and none like them is suggested."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many photos to label.")] = 50,
    classes: Annotated[
        str | None,
        typer.Option(help="What to look for, by comma: classes or conditions; all conditions if not given."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="Write list.csv, or tasks.json for Label Studio with boxes to correct."),
    ] = None,
    explore: Annotated[
        float, typer.Option(min=0, max=1, help="Share taken because nothing like them is labelled.")
    ] = 0.2,
    release: Annotated[
        str | None, typer.Option(help="A release by name or folder; the one in force if not given.")
    ] = None,
    provider: Annotated[str, typer.Option(help="cpu | onnx | openvino | cuda | tensorrt")] = "cpu",
    seed: Annotated[int, typer.Option(min=0, help="The same photos and seed give the same list.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer on standard output.")] = False,
    lang: Lang = None,
) -> None:
    """Choose the photos whose labels should help most, and say why for each.

    Chosen are photos on which the release is not sure, photos that may show
    what is rarely labelled, and a share unlike anything labelled; never two of
    one scene. Photos that cannot be read or judged, that are labelled, or that
    nearly repeat another are left out, with the reason.

    Examples:

      streetsight dataset suggest patrol/ --labelled my/photos --to list.csv

      streetsight dataset suggest patrol/ -n 100 --classes street_vending --to tasks.json

    Exit status: 0, 2 usage, 3 release or card.
    """
    import json

    from streetsight.models.releases import load_release
    from streetsight.training.selection.suggestion import Request, suggest
    from streetsight.training.selection.writing import check_form, save, to_json

    with spoken_errors(lang) as language:
        if to is not None:
            check_form(to)
        request = Request(
            photos=tuple(photos), count=count, labelled=labelled, classes=classes, explore=explore,
            seed=seed, provider=provider,
        )  # fmt: skip
        answer = suggest(request, load_release(release), _progress)
        if to is not None:
            save(answer, to, language)
        if as_json:
            typer.echo(json.dumps(to_json(answer, language), ensure_ascii=False, indent=1))
        else:
            _print(answer, to, language)


def _progress(looks: "Iterable[Look]", total: int) -> "Iterable[Look]":
    """A bar on standard error where somebody looks at it."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(looks, "", total, console=console, transient=True, disable=not console.is_terminal)


def _print(answer: "Suggestions", to: Path | None, language: "Language") -> None:
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.language import translate
    from streetsight.training.selection.words import reason

    if to is None:
        table = Table("")
        for heading in ("photo", "reason"):
            table.add_column(translate(heading, language), overflow="fold")
        for each in answer.chosen:
            table.add_row(str(each.rank), each.result.name, reason(each, answer, language))
        Console().print(table)
    for line in summary(answer, language):
        typer.echo(line)
    if to is not None:
        typer.echo(translate("Results are in {path}", language, path=to))


def summary(answer: "Suggestions", language: "Language") -> "Iterator[str]":
    """How many were suggested, what was left out, and each photo that a person should look after."""
    from collections import Counter
    from typing import get_args

    from streetsight.inference.reading import Outcome
    from streetsight.models.language import translate

    yield translate(
        "{count} of {photos} photos suggested", language, count=len(answer.chosen), photos=answer.photos
    )
    counts = Counter(each.outcome for each in answer.left_out)
    for outcome, number in counts.most_common():
        yield f"  {translate('left out', language)}: {translate(outcome, language)} {number}"
    for each in answer.left_out:
        if each.outcome in get_args(Outcome):
            yield f"  {each.name}: {each.reason(language)}"
    if answer.exhausted:
        yield translate("All other photos show scenes that are labelled or suggested already.", language)
