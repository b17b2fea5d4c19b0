"""What is shipped for running the service: units, alert rules, the dashboard, the container file."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from streetsight.service.metrics import Gauge, exposition

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED = 20  # tenths, of systemd's scale from 0 to 10
GAUGES: list[Gauge] = [
    ("streetsight_database_up", "", {}, 1.0),
    ("streetsight_queue_depth", "", {"kind": "detect", "state": "queued"}, 1.0),
    ("streetsight_outbox_pending", "", {"destination": "desk"}, 1.0),
    ("streetsight_storage_free_bytes", "", {"storage": "files"}, 1.0),
]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Units of which the program is on this machine; workers and the agent's user are stand-ins as well."""
    folder = tmp_path_factory.mktemp("units")
    for unit in (*UNITS, DEPLOY / "systemd" / "streetsight-backup.timer"):
        text = unit.read_text().replace("/opt/streetsight/bin/streetsight", "/bin/true")
        (folder / unit.name.replace("@.", "@1.")).write_text(text)
    return folder


@pytest.mark.parametrize("name", [*(unit.name for unit in UNITS), "streetsight-backup.timer"])
def test_systemd_understands_every_word(units: Path, name: str) -> None:
    unit = units / name.replace("@.", "@1.")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "streetsight" in line] == []


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_units_are_shut_in(units: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    unit = units / name.replace("@.", "@1.")
    done = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_units_call_verbs_and_settings_that_there_are() -> None:
    from typer.testing import CliRunner

    from streetsight.cli import app
    from streetsight.service.settings import Settings

    for unit in UNITS:
        text = unit.read_text()
        for command in re.findall(r"^ExecStart=/opt/streetsight/bin/streetsight (.*)$", text, re.MULTILINE):
            verb = [word for word in command.split() if re.fullmatch("[a-z]+", word)][:2]
            words = verb if verb[0] in ("agent", "backup") else verb[:1]
            assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, command
        for name in re.findall(r"STREETSIGHT_([A-Z_]+)=", text):
            assert name.lower() in Settings.model_fields


def test_the_recipe_gives_secrets_to_who_reads_them_once_that_user_is_there() -> None:
    recipe = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    readers = {
        re.findall("^User=(.+)$", text, re.MULTILINE)[0]
        for text in (unit.read_text() for unit in UNITS)
        if "/etc/streetsight/secrets:/run/secrets" in text
    }
    (reader,) = readers
    made = recipe.index(f"install -d -o {reader} -m700 /etc/streetsight/secrets")
    assert recipe.index("systemd-sysusers") < made


def test_each_worker_may_have_settings_of_its_own_over_those_of_all() -> None:
    text = (DEPLOY / "systemd" / "streetsight-work@.service").read_text()
    files = re.findall("^EnvironmentFile=(.+)$", text, re.MULTILINE)
    assert files == ["/etc/streetsight/server.env", "-/etc/streetsight/work-%i.env"]  # the last one counts


def alerts() -> Iterator[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    for group in document["groups"]:
        yield from group["rules"]


def panels() -> list[dict[str, Any]]:
    document = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    return [*document["panels"]]


def expressions() -> list[str]:
    return [rule["expr"] for rule in alerts()] + [
        target["expr"] for panel in panels() for target in panel["targets"]
    ]


def shown() -> dict[str, set[str]]:
    """Names of all samples that /metrics has, with their labels."""
    from streetsight.service.metrics import INFERENCE, JOBS, REQUESTS, UPLOADED_BYTES, UPLOADS

    UPLOADS.labels("accepted").inc(0)
    UPLOADED_BYTES.inc(0)
    JOBS.labels("detect", "done").inc(0)
    REQUESTS.labels("GET", "/v1/frames", "200").observe(0)
    INFERENCE.labels("street@0", "photo").observe(0)
    text = exposition(lambda: GAUGES).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_rules_and_panels_use_what_metrics_has() -> None:
    known = shown()
    used = {name for each in expressions() for name in re.findall(r"\bstreetsight_[a-z_]+", each)}
    assert used <= set(known)
    families = {
        re.sub("_(total|bucket|count|sum|created)$", "", name) for name in known if "streetsight" in name
    }
    assert {re.sub("_(total|bucket|count|sum)$", "", name) for name in used} == families, "all are shown"
    for each in expressions():
        for name, chosen in re.findall(r"\b(streetsight_[a-z_]+)\{([^}]*)\}", each):
            assert set(re.findall(r"(\w+)[=!]", chosen)) <= known[name] | {"instance", "job"}


def test_the_gauges_are_those_that_health_tells(units: Path) -> None:
    source = (DEPLOY.parent / "service" / "health.py").read_text()
    assert {name for name, *_ in GAUGES} == set(re.findall(r'"(streetsight_[a-z_]+)"', source))


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert {*rule["annotations"]} == {"summary", "action"}


def test_promtool_finds_the_rules_right_and_they_fire_when_they_should() -> None:
    for words in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(
            ["promtool", *words], cwd=DEPLOY / "monitoring", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_image_runs_without_rights_and_says_how_it_is() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text()
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert "--require-hashes" in stages[0]
    assert re.search(r"^USER 10001:10001$", stages[1], re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", stages[1], re.MULTILINE)
    assert "pip install" not in stages[1], "what builds stays in the stage that builds"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert all((DEPLOY.parent / name).exists() for line in copied for name in line.split())


def test_every_container_of_ours_has_a_read_only_root_and_no_capability() -> None:
    from streetsight.service.settings import Settings

    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    ours = [each for each in services.values() if each["image"] == "streetsight"]
    assert len(ours) == 2
    for each in ours:
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        names = [*each["environment"], *(secret["target"].upper() for secret in each["secrets"])]
        assert {name.removeprefix("STREETSIGHT_").lower() for name in names} <= set(Settings.model_fields)
