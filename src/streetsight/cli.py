"""The command line: every folder brings its verbs, this file only assembles them."""

from importlib.util import find_spec

import typer

from streetsight.datasets import cli as datasets_cli
from streetsight.inference import cli as inference_cli
from streetsight.inference import releases_cli
from streetsight.inference.patrol import cli as patrol_cli
from streetsight.models import cli as models_cli
from streetsight.service import cli as service_cli
from streetsight.service.agent import cli as agent_cli
from streetsight.service.areas import cli as areas_cli
from streetsight.service.audit import cli as audit_cli
from streetsight.service.backups import cli as backups_cli
from streetsight.service.calendar import cli as calendar_cli
from streetsight.service.campaigns import cli as campaigns_cli
from streetsight.service.cluster import cli as cluster_cli
from streetsight.service.devices import cli as devices_cli
from streetsight.service.groupings import cli as groupings_cli
from streetsight.service.people import cli as people_cli
from streetsight.service.places import cli as places_cli
from streetsight.service.reports import cli as reports_cli
from streetsight.service.reprocessing import cli as reprocessing_cli
from streetsight.service.retention import cli as retention_cli
from streetsight.service.scoring import cli as scoring_cli
from streetsight.service.webhooks import cli as webhooks_cli

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Streetsight: patrol photos in, street-condition leads out.",
)
app.command()(inference_cli.detect)
app.command()(patrol_cli.patrol)
app.command()(datasets_cli.sample)
app.add_typer(datasets_cli.app, name="dataset")
for verb in (releases_cli.register, releases_cli.promote, releases_cli.rollback):
    models_cli.app.command()(verb)
app.add_typer(models_cli.app, name="models")
app.command()(service_cli.serve)
app.command()(service_cli.work)
app.command()(service_cli.migrate)
app.command()(service_cli.new_key)
app.add_typer(agent_cli.app, name="agent")
app.add_typer(cluster_cli.app, name="cluster")
app.add_typer(devices_cli.app, name="device")
app.add_typer(people_cli.app, name="person")
app.add_typer(audit_cli.app, name="audit")
app.add_typer(areas_cli.app, name="area")
app.add_typer(calendar_cli.calendar_app, name="calendar")
app.add_typer(calendar_cli.deadlines_app, name="deadlines")
app.add_typer(places_cli.app, name="place")
app.add_typer(groupings_cli.app, name="groupings")
app.add_typer(scoring_cli.app, name="score")
app.add_typer(campaigns_cli.app, name="campaign")
app.add_typer(webhooks_cli.app, name="webhook")
app.add_typer(reports_cli.app, name="reports")
app.add_typer(retention_cli.app, name="retention")
app.add_typer(reprocessing_cli.app, name="reprocess")
app.add_typer(backups_cli.app, name="backup")
app.add_typer(service_cli.jobs_app, name="jobs")

if find_spec("ultralytics"):  # the training extra
    from streetsight.training import cli as training_cli
    from streetsight.training.selection import cli as selection_cli

    app.command()(training_cli.train)
    app.command()(training_cli.average)
    app.command()(training_cli.add_class)
    app.command()(training_cli.evaluate)
    app.command()(training_cli.export)
    app.command()(training_cli.quantise)
    datasets_cli.app.command()(selection_cli.suggest)
    models_cli.app.command()(training_cli.compare)
