"""`streetsight score`: schemes, figures, closing months, and reckoning them once more."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from streetsight.models.cli import Lang
from streetsight.service.store.commands import database_of_settings, spoken_data_errors

app = typer.Typer(no_args_is_help=True, help="Scores: schemes, figures, months and rankings.")

Scheme = Annotated[str, typer.Argument(metavar="SCHEME", help="Name (key) of the scheme.")]
Period = Annotated[str, typer.Argument(metavar="PERIOD", help="2026-11, 2026-Q4 or 2026.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON in place of a table.")]


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="Scheme, YAML or JSON.")] = None,
    example: Annotated[str | None, typer.Option(help="A shipped example, to try things with.")] = None,
    reason: Annotated[str, typer.Option(help="Why; stays with the version.")] = "imported",
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is in order.")] = False,
    lang: Lang = None,
) -> None:
    """Keep a scheme as a draft; `adopt` makes it count."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.documents.reading import file_wanted
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.reading import example_schemes, read_scheme_file
    from streetsight.service.scoring.versions import bring_in, known_groupings

    with database_of_settings(lang, ServiceError) as (database, language):
        with database.read() as session:
            path = file_wanted(file, example, example_schemes())
            scheme = read_scheme_file(path, known_groupings(session))
        if check:
            typer.echo(translate("{name} is in order", language, name=scheme.key))
            return
        with database.write() as session:
            number = bring_in(session, operator(), scheme, reason).number
        done = "{key} is kept as version {number}, a draft; `streetsight score adopt {key} --from MONTH`"
        typer.echo(translate(done, language, key=scheme.key, number=number))


@app.command()
def adopt(
    scheme: Scheme,
    month: Annotated[str, typer.Option("--from", help="First month that goes by it, 2026-12.")],
    version: Annotated[int | None, typer.Option(help="The newest, when not given.")] = None,
    reason: Annotated[str, typer.Option(help="Why; stays in the audit log.")] = "adopted",
    lang: Lang = None,
) -> None:
    """Score by a version from a month on."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring import versions
    from streetsight.service.scoring.spans import span_of

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.write() as session,
    ):
        row = versions.version_of(session, scheme, version)
        versions.adopt(session, operator(), row, span_of(month), reason)
        typer.echo(translate("{key} version {number} counts from {month} on", language,
                             key=scheme, number=row.number, month=month))  # fmt: skip


@app.command("list")
def list_(lang: Lang = None) -> None:
    """Versions of all schemes, one JSON object a line."""
    from streetsight.service.scoring.schemas import SchemeShown
    from streetsight.service.scoring.versions import list_versions

    with database_of_settings(lang) as (database, language), database.read() as session:
        for each in list_versions(session):
            typer.echo(SchemeShown.of(each, language).model_dump_json())


@app.command()
def show(scheme: Scheme, period: Period, as_json: AsJson = False, lang: Lang = None) -> None:
    """The ranking of a period: frozen where it is closed, else as it stands now."""
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.periods import result_of
    from streetsight.service.scoring.schemas import PeriodShown
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.settings import read_settings

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.read() as session,
    ):
        result = result_of(session, read_settings(), scheme, span_of(period), looked=True)
        shown = PeriodShown.of(result, language)
        if as_json:
            typer.echo(shown.model_dump_json(indent=2))
        else:
            _table(shown, language)


@app.command()
def sheet(
    scheme: Scheme, period: Period, code: Annotated[str, typer.Argument(help="Of the subject.")],
    lang: Lang = None,
) -> None:  # fmt: skip
    """One subject's score, line by line, as JSON."""
    import msgspec

    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.scoring.views import sheet_for
    from streetsight.service.settings import read_settings

    with (
        database_of_settings(lang, ServiceError) as (database, _),
        database.read() as session,
    ):
        found = sheet_for(session, read_settings(), operator(), scheme, span_of(period), code)
        plain = msgspec.to_builtins(found.sheet, builtin_types=(), str_keys=True)
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=str))


@app.command()
def figures(
    scheme: Scheme,
    period: Period,
    file: Annotated[Path, typer.Argument(help="CSV: code,key,value.", exists=True, dir_okay=False)],
    keep_good: Annotated[
        bool, typer.Option("--keep-good", help="Take the good lines although others are bad.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Bring in numbers from elsewhere: a survey, complaints, a platform's rates."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.figures import bring_in
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.settings import read_settings

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.write() as session,
    ):
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        read = bring_in(
            session, read_settings(), operator(), scheme, span_of(period), text, file.name, keep_good
        )
        for problem in read.problems:
            typer.echo(problem.say(language), err=True)
        typer.echo(translate("{count} figures are kept", language, count=len(read.figures)))


@app.command()
def close(
    scheme: Scheme, period: Period,
    note: Annotated[str | None, typer.Option(help="Stays with the period.")] = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Freeze a period: facts, sheets and their digests."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring import periods
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.settings import read_settings

    with database_of_settings(lang, ServiceError) as (database, language):
        closed = periods.close(database, read_settings(), operator(), scheme, span_of(period), note)
        done = "{period} is closed: {count} subjects, facts {facts}, sheets {sheets}"
        typer.echo(translate(done, language, period=period, count=closed.subjects,
                             facts=closed.facts_sha256, sheets=closed.sheets_sha256))  # fmt: skip


@app.command()
def reopen(
    scheme: Scheme, period: Period, why: Annotated[str, typer.Option(help="Stays in the audit log.")],
    lang: Lang = None,
) -> None:  # fmt: skip
    """Take back the closing of the last closed period."""
    from streetsight.models.language import translate
    from streetsight.service.auth.actor import operator
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring import periods
    from streetsight.service.scoring.spans import span_of

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.write() as session,
    ):
        periods.reopen(session, operator(), scheme, span_of(period), why)
        typer.echo(translate("{period} is open again", language, period=period))


@app.command()
def recompute(
    scheme: Annotated[str | None, typer.Argument(metavar="[SCHEME]", help="All, when not given.")] = None,
    period: Annotated[str | None, typer.Argument(metavar="[PERIOD]", help="All, when not given.")] = None,
    lang: Lang = None,
) -> None:
    """Reckon closed periods once more from their frozen facts. Exit status 1 where something differs."""
    from streetsight.models.language import translate
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.periods import closed_periods, recompute
    from streetsight.service.scoring.spans import span_of

    differ = False
    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.read() as session,
    ):
        for closed in closed_periods(session, scheme, period):
            different = recompute(session, closed, span_of(closed.period))
            differ |= bool(different)
            done = "{scheme} {period}: {count} sheets, different: {names}"
            typer.echo(translate(done, language, scheme=closed.scheme, period=closed.period,
                                 count=closed.subjects, names=", ".join(different) or "0"))  # fmt: skip
    raise typer.Exit(1 if differ else 0)


Output = Annotated[Path, typer.Option("--output", "-o", help="File; its ending says the form.")]


@app.command()
def bulletin(scheme: Scheme, period: Period, output: Output, lang: Lang = None) -> None:
    """The bulletin of a period as a file: .html, .pdf, .docx or .xlsx."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.bulletins.composing import PAIRS, bulletin
    from streetsight.service.bulletins.making import make, opened_desk
    from streetsight.service.bulletins.pen import Pen
    from streetsight.service.bulletins.rendering import form_of, rendered
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.settings import read_settings

    with spoken_data_errors(lang, ServiceError) as language:
        form, settings = form_of(output), read_settings()
        pen, span = Pen(language, settings.zone), span_of(period)
        with opened_desk(settings) as desk:
            document = make(desk, operator(), scheme, span, pen, bulletin, PAIRS)
        _write(output, rendered(document, form, pen))


@app.command()
def adjustments(scheme: Scheme, period: Period, output: Output, lang: Lang = None) -> None:
    """Every line with what it rests on (扣分明细), as .csv or .json."""
    from streetsight.service.bulletins import adjustments

    _rows(
        scheme,
        period,
        output,
        lang,
        lambda basis, pen: (adjustments.adjustments(basis, pen), adjustments.COLUMNS),
    )


@app.command()
def ledger(scheme: Scheme, period: Period, output: Output, lang: Lang = None) -> None:
    """The issues of a period (台账), as .csv or .json."""
    from streetsight.service.bulletins import ledger

    _rows(scheme, period, output, lang, lambda basis, pen: (ledger.ledger(basis, pen), ledger.COLUMNS))


@app.command()
def national(
    output: Output,
    code_scheme: Annotated[str | None, typer.Option("--scheme", help="GB/T 47678.5-2026")] = None,
    division: Annotated[str | None, typer.Option(help="Six digits of GB/T 2260, 420111.")] = None,
    period: Annotated[str | None, typer.Option(help="In which they were confirmed.")] = None,
    lang: Lang = None,
) -> None:
    """Issues in the field names of GB/T 47678.5, as .csv or .json."""
    from streetsight.service.auth.actor import operator
    from streetsight.service.bulletins.rendering import one_of
    from streetsight.service.faults import ServiceError
    from streetsight.service.issues.queries import Filters
    from streetsight.service.outside.exporting import as_file, found_matters
    from streetsight.service.outside.national import chosen
    from streetsight.service.settings import read_settings

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.read() as session,
    ):
        form, settings = one_of(output, ("csv", "json")), read_settings()
        wanted = chosen(code_scheme, division, language)
        found = found_matters(session, settings, operator(), Filters(), period, wanted)
        _write(output, as_file(found, form, settings, wanted))


@app.command()
def conformance(
    url: Annotated[str, typer.Argument(help="Of a Streetsight server, or of a receiver with --receiver.")],
    token: Annotated[str, typer.Option(envvar="CONFORMANCE_TOKEN", help="Of a person who may follow.")] = "",
    receiver: Annotated[bool, typer.Option("--receiver", help="Try a receiver of webhooks.")] = False,
    secret: Annotated[str, typer.Option(envvar="CONFORMANCE_SECRET", help="whsec_...")] = "",
    lang: Lang = None,
) -> None:
    """Whether a server, or a receiver, keeps the contract with outside systems. Exit status 1 if not."""
    from streetsight.models.language import translate
    from streetsight.service.faults import ServiceError
    from streetsight.service.outside.asking import ask_receiver, ask_server

    with spoken_data_errors(lang, ServiceError) as language:
        checks = ask_receiver(url, secret) if receiver else ask_server(url, token)
        for check in checks:
            said = translate("in order", language) if not check.problems else "; ".join(check.problems)
            typer.echo(f"{check.name}: {check.count}, {said}")
    raise typer.Exit(1 if any(check.problems for check in checks) else 0)


def _rows(scheme: str, period: str, output: Path, lang: str | None, table: Any) -> None:
    from streetsight.service.auth.actor import operator
    from streetsight.service.bulletins.basis import basis_of
    from streetsight.service.bulletins.pen import Pen
    from streetsight.service.bulletins.rendering import one_of
    from streetsight.service.bulletins.tables import as_csv, as_json
    from streetsight.service.faults import ServiceError
    from streetsight.service.scoring.spans import span_of
    from streetsight.service.settings import read_settings

    with (
        database_of_settings(lang, ServiceError) as (database, language),
        database.read() as session,
    ):
        form, settings = one_of(output, ("csv", "json")), read_settings()
        basis = basis_of(session, settings, operator(), scheme, span_of(period), None)
        pen = Pen(language, settings.zone)
        rows, columns = table(basis, pen)
        _write(output, as_json(basis, list(rows)) if form == "json" else as_csv(list(rows), columns, pen))


def _write(output: Path, content: bytes) -> None:
    from streetsight.service.faults import Unavailable

    try:
        output.write_bytes(content)
    except OSError as error:
        raise Unavailable("cannot write to {path}: {reason}", path=output, reason=error.strerror) from error
    typer.echo(str(output))


def _table(shown: Any, language: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.language import translate

    heads = ("group", "rank", "code", "name", "total", "cases", "deducted")
    table = Table(title=f"{shown.name} {shown.period}")
    for head in heads:
        table.add_column(translate(head, language))
    for each in shown.standings:
        total = each.total if each.total is not None else translate(each.status.replace("_", " "), language)
        row = (each.group, each.rank or "-", each.code, each.name, total, each.cases, each.deducted)
        table.add_row(*map(str, row))
    Console().print(table)
