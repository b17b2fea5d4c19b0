"""`streetsight models register | promote | rollback`: each runs the release once before it counts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang, RegistryOption, open_registry, spoken_errors

if TYPE_CHECKING:
    from streetsight.models.history import Entry
    from streetsight.models.taxonomy import Language

By = Annotated[str | None, typer.Option("--by", help="Who does this; the login name when not given.")]


def register(
    folder: Annotated[Path, typer.Argument(help="Folder with model.onnx and card.json.")],
    registry: RegistryOption = None,
    by: By = None,
    lang: Lang = None,
) -> None:
    """Take a release in: check files and card, run it once, copy it. It is not put in force.

    Exit status: 0, or 3 when it is refused; then nothing is changed.
    """
    from streetsight.inference.trial import try_release
    from streetsight.models.language import translate
    from streetsight.models.promotion import lacks
    from streetsight.models.releases import load_release

    with spoken_errors(lang) as language:
        release = load_release(folder)
        new = open_registry(registry).register(folder, try_release, _who(by))
        said = "{name} is registered"
        if not new:
            said = "{name} was registered already; nothing changed"
        typer.echo(translate(said, language, name=release.address))
        if missing := lacks(release.card):
            typer.secho(
                translate(
                    "its card is incomplete, promotion will refuse it: {missing} missing", language,
                    missing=", ".join(missing),
                ),
                err=True, fg=typer.colors.YELLOW,
            )  # fmt: skip


def promote(
    name: Annotated[str, typer.Argument(help="A registered release.")],
    reason: Annotated[str, typer.Option(help="Stays in the history.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Go on against objections; needs --reason. Both stay.")
    ] = False,
    registry: RegistryOption = None,
    by: By = None,
    lang: Lang = None,
) -> None:
    """Put a release in force if the evidence allows it; otherwise say everything that is against it.

    Exit status: 0, or 3 when it is refused; then nothing is changed.
    """
    from streetsight.inference.trial import try_release
    from streetsight.models.language import translate

    with spoken_errors(lang) as language:
        entry = open_registry(registry).promote(name, try_release, _who(by), reason, force)
        if entry is None:
            typer.echo(translate("{name} is in force already; nothing changed", language, name=name))
            return
        _say_in_force(entry, language)


def rollback(
    reason: Annotated[str, typer.Option(help="Stays in the history.")],
    to: Annotated[
        str | None, typer.Option(help="A release that once was in force; the one before when not given.")
    ] = None,
    registry: RegistryOption = None,
    by: By = None,
    lang: Lang = None,
) -> None:
    """Return to the release that was in force before.

    Exit status: 0, or 3 when there is none or it cannot run; then nothing is changed.
    """
    from streetsight.inference.trial import try_release

    with spoken_errors(lang) as language:
        entry = open_registry(registry).rollback(try_release, _who(by), reason, to)
        _say_in_force(entry, language)


def _who(by: str | None) -> str:
    from streetsight.models.history import caller

    return by or caller()


def _say_in_force(entry: "Entry", language: "Language") -> None:
    from streetsight.models.language import translate

    typer.echo(
        translate(
            "{name} is in force; before it was {before}", language,
            name=entry.to_address, before=entry.from_address or "-",
        )
    )  # fmt: skip
