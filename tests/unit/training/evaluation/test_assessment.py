"""From labelled photos to figures, report and label errors: the shipped release on rendered frames."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.datasets.parts import PartError
from streetsight.models.releases import Release
from streetsight.training.evaluation.assessment import Assessment, assess, labelled_part
from streetsight.training.evaluation.judging import JudgingError, judge, reference_detector
from streetsight.training.evaluation.label_errors import suspects
from streetsight.training.evaluation.output import (
    TargetError,
    check_targets,
    write_label_errors,
    write_report,
)

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def photos(
    render_dataset: Callable[[Path, int, tuple[int, int]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A dataset of rendered frames, a group for each patrol."""
    return render_dataset(tmp_path_factory.mktemp("photos"), 3, (480, 270))


@pytest.fixture(scope="module")
def assessment(photos: Path, release: Release) -> Assessment:
    return assess(release, labelled_part(photos, "train"), "train", "digest")


def test_everything_is_judged(assessment: Assessment) -> None:
    assert assessment.evaluation.photos == len(assessment.judged) > 6
    assert {each.name for each in assessment.evaluation.conditions} >= {"exposed_garbage", "broken_facility"}
    assert all(20 < one.brightness < 250 for one in assessment.judged)
    data = json.loads(json.dumps(assessment.as_data(), allow_nan=False))
    assert data["evaluation"]["condition_map50"] == assessment.evaluation.condition_map50
    assert len(data["confusion"]["counts"]) == len(data["confusion"]["rows"])
    assert {each["kind"] for each in data["slices"]} == {"size", "light", "source"}


@pytest.mark.parametrize(("language", "heading"), [("en", "Worst mistakes"), ("zh", "最严重的错误")])
def test_the_report_is_one_file_that_asks_nobody(
    assessment: Assessment, tmp_path: Path, language: str, heading: str
) -> None:
    write_report(assessment, tmp_path / "out.html", language)  # type: ignore[arg-type]
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert heading in text
    assert f"{assessment.evaluation.condition_map50:.3f}" in text
    assert text.count("<svg") == 2 * len(assessment.seen)
    assert "data:image/jpeg;base64," in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_label_errors_are_written_in_every_form(assessment: Assessment, tmp_path: Path) -> None:
    for name in ("out.csv", "out.json", "out.html"):
        write_label_errors(assessment, tmp_path / name, "en")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    found = suspects(assessment.judged, assessment.card)
    assert len(rows) == len(data) == len(found) > 0
    assert [row["kind"] for row in rows] == [each.kind for each in found]
    assert all(Path(row["file"]).exists() for row in rows)
    scores = [row["score"] for row in data]
    assert scores == sorted(scores, reverse=True)
    assert "Likely label errors" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_the_command_prints_figures_and_writes_files(photos: Path, tmp_path: Path) -> None:
    report = tmp_path / "out.html"
    command = ["evaluate", "--photos", str(photos), "--part", "val", "--report", str(report), "--lang", "en"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "mean AP50, classes of conditions" in done.output
    assert report.exists()
    done = CliRunner().invoke(app, [*command[:5], "--json"])
    assert json.loads(done.stdout)["evaluation"]["part"] == "val"


def test_the_whole_command_gets_by_without_torch(photos: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom streetsight.cli import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'streetsight.training.evaluation.report' in sys.modules\n"
        "assert not {'torch', 'ultralytics'} & set(sys.modules)\n"
    )
    report = tmp_path / "out.html"
    command = ["evaluate", "--photos", str(photos), "--part", "val", "--report", str(report)]
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert report.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--part", "holdout"], "no photos in the part holdout; parts: train, val, test"),
        (["--report", "out.pdf"], "expected a name that ends in .html"),
        (["--label-errors", "nowhere/out.csv"], "the folder does not exist; make it first"),
        (["--version", "nowhere"], "not a dataset version"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(
    photos: Path, arguments: list[str], message: str
) -> None:
    done = CliRunner().invoke(app, ["evaluate", "--photos", str(photos), "--lang", "en", *arguments])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_targets_that_can_be_written_are_taken(tmp_path: Path) -> None:
    check_targets(tmp_path / "out.HTML", tmp_path / "out.csv")
    with pytest.raises(TargetError, match="expected a name that ends in"):
        check_targets(None, tmp_path / "out.xlsx")


def test_a_photo_that_cannot_be_read_is_named(photos: Path, release: Release, tmp_path: Path) -> None:
    from dataclasses import replace

    record = labelled_part(photos, "val")[0]
    cut_off = tmp_path / "cut-off.jpg"
    cut_off.write_bytes(record.image.read_bytes()[:2000])
    for image in (cut_off, tmp_path / "missing.jpg"):
        with pytest.raises(JudgingError, match=rf"{image.name}: the labelled photo cannot be judged"):
            judge([replace(record, image=image)], reference_detector(release))


def test_a_wrong_label_line_is_reported(photos: Path, tmp_path: Path) -> None:
    source = tmp_path / "sources" / "bad"
    (source / "images").mkdir(parents=True)
    (source / "labels").mkdir()
    (source / "SOURCE.json").write_text('{"labelled_classes": ["garbage"]}')
    (source / "classes.txt").write_text("garbage")
    (source / "groups.csv").write_text("image,group\na.jpg,1")
    picture = next((photos / "sources" / "rendered" / "images").iterdir())
    (source / "images" / "a.jpg").write_bytes(picture.read_bytes())
    (source / "labels" / "a.txt").write_text("0 0.5 0.5 2 2")
    with pytest.raises(PartError, match=r"a\.txt, line 1"):
        labelled_part(tmp_path, "val")


def test_intervals_hold_their_figures(assessment: Assessment) -> None:
    for row in assessment.evaluation.conditions:
        if row.groups is not None and row.groups > 2:
            low, high = row.intervals["recall"]
            assert row.recall is not None
            assert low <= row.recall <= high or np.isclose(row.recall, (low, high)).any()
