"""Decisions become labels, and `streetsight dataset import` takes them."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.datasets.sources import read_sources
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.detections.tables import Detection
from streetsight.service.frames.tables import Frame
from streetsight.service.privacy.tables import PhotoAccess
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.ids import new_id
from streetsight.service.store.opening import open_database
from streetsight.service.worker import Worker

Person = Callable[..., TestClient]
Box = tuple[float, float, float, float]
LEFT, RIGHT, LOW = (20.0, 40.0, 120.0, 140.0), (300.0, 40.0, 420.0, 160.0), (300.0, 200.0, 400.0, 300.0)


@dataclass
class Street:
    """Real photos on a server, on which the detector shall have seen what a test says."""

    settings: Settings
    inspector: TestClient
    analyst: TestClient
    frames: list[str]
    digests: list[str]

    def saw(self, frame: int, *found: tuple[str, Box]) -> None:
        with open_database(self.settings) as database, database.write() as session:
            row = session.get_one(Frame, self.frames[frame])
            session.execute(delete(Detection).where(Detection.frame_id == row.id))
            session.add_all(
                Detection(
                    result_id=row.result_id, number=number, frame_id=row.id, class_name=name, condition=None,
                    score=0.9, x1=box[0], y1=box[1], x2=box[2], y2=box[3],
                )
                for number, (name, box) in enumerate(found)
            )  # fmt: skip

    def candidate(self, name: str, *glimpses: tuple[int, Box], condition: str = "exposed_garbage") -> str:
        with open_database(self.settings) as database, database.write() as session:
            frames = [session.get_one(Frame, self.frames[index]) for index, _ in glimpses]
            sighting = Sighting(
                id=new_id(), patrol_id=frames[0].patrol_id, pass_id="p", device_id=frames[0].device_id,
                class_name=name, release="r", score=0.9, frames=len(frames), own_m2=[1, 0, 1],
                shared_m2=[1, 0, 1], located_by="nothing", place_id="",
                glimpses=[
                    {"frame": row.id, "frame_id": row.sha256, "taken_at": None, "score": 0.9,
                     "box_xyxy_px": list(box), "size_wh": [640, 360], "distance_m": None, "scorable": True,
                     "release": "r"}
                    for row, (_, box) in zip(frames, glimpses, strict=True)
                ],
            )  # fmt: skip
            candidate = Candidate(
                source="patrol", condition=condition, class_name=name, best_frame_id=frames[0].id,
                best_box=list(glimpses[0][1]), sightings=1, frames=len(frames),
            )  # fmt: skip
            session.add_all([sighting, candidate])
            session.flush()
            session.add(CandidateSighting(candidate_id=candidate.id, sighting_id=sighting.id))
            return candidate.id

    def decide(self, candidate: str, kind: str, version: int = 1, **asked: Any) -> None:
        answer = self.inspector.post(
            f"/v1/candidates/{candidate}/decisions", json={"kind": kind, **asked},
            headers={"If-Match": f'"{version}"'},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text

    def labels(self, **params: Any) -> dict[str, Any]:
        answer = self.analyst.get("/v1/labels/export", params=params)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
def street(
    client: TestClient, settings: Settings, person: Person, work: Callable[[], Worker], photos: list[bytes]
) -> Street:
    patrol = client.post("/v1/patrols", json={"key": "p"}).json()["id"]
    metadata = json.dumps({"patrol_id": patrol})
    sent = [
        client.post("/v1/frames", files={"photo": each}, data={"metadata": metadata}).json()
        for each in photos[:2]
    ]
    work()
    frames, digests = [each["id"] for each in sent], [each["sha256"] for each in sent]
    with open_database(settings) as database, database.read() as session:
        assert set(session.scalars(select(Frame.state))) == {"detected"}
    return Street(settings, person(Role.INSPECTOR), person(Role.ANALYST), frames, digests)


def boxes(labels: dict[str, Any]) -> list[tuple[str, list[float]]]:
    names = {each["id"]: each["name"] for each in labels["categories"]}
    return [
        (names[each["category_id"]], [round(side) for side in each["bbox"]]) for each in labels["annotations"]
    ]


def test_a_confirmed_box_is_positive_and_a_rejected_one_negative(street: Street) -> None:
    street.saw(0, ("garbage", LEFT), ("garbage", RIGHT))
    there, absent = street.candidate("garbage", (0, LEFT)), street.candidate("garbage", (0, RIGHT))
    street.decide(there, "confirm")
    assert street.labels()["images"] == []  # the other one is undecided: garbage is not labelled here
    assert street.labels()["undecided_frames"] == 1
    street.decide(absent, "reject", reason="not_there")
    labels = street.labels()
    [image] = labels["images"]
    assert (image["sha256"], image["labelled_classes"]) == (street.digests[0], ["garbage"])
    assert boxes(labels) == [("garbage", [20, 40, 100, 100])]
    [negative] = labels["negatives"]
    assert (negative["bbox"], negative["reason"]) == ([300, 40, 120, 120], "not_there")


def test_what_nobody_could_tell_is_not_labelled(street: Street) -> None:
    street.saw(0, ("garbage", LEFT), ("graffiti", RIGHT), ("person", LOW))
    street.decide(street.candidate("garbage", (0, LEFT)), "reject", reason="unclear_photo")
    assert street.labels()["images"] == []
    street.decide(
        street.candidate("graffiti", (0, RIGHT), condition="defacement"), "reject", reason="permitted"
    )
    labels = street.labels()
    assert labels["images"][0]["labelled_classes"] == ["graffiti"]  # it is there, only no issue
    assert boxes(labels) == [("graffiti", [300, 40, 120, 120])]


def test_a_corrected_class_and_box_are_the_label(street: Street) -> None:
    street.saw(0, ("garbage", LEFT))
    candidate = street.candidate("garbage", (0, LEFT))
    box = {"frame_id": street.frames[0], "box_xyxy_px": [22, 42, 100, 100]}
    changes: dict[str, Any] = {"box": box, "class": "overflowing_bin"}
    street.decide(candidate, "correct", **changes)
    street.decide(candidate, "confirm", version=2)
    labels = street.labels()
    assert boxes(labels) == [("overflowing_bin", [22, 42, 78, 58])]
    assert labels["images"][0]["labelled_classes"] == ["garbage", "overflowing_bin"]
    assert [each["reason"] for each in labels["negatives"]] == ["corrected"]


def test_a_parked_car_that_may_stand_there_is_still_a_car(street: Street) -> None:
    street.saw(0, ("car", LEFT))
    candidate = street.candidate("car", (0, LEFT), condition="illegal_parking")
    street.decide(candidate, "reject", reason="not_an_issue")
    assert street.labels()["negatives"] == street.labels()["images"] == []
    street.decide(candidate, "reopen", version=2)
    street.decide(candidate, "reject", version=3, reason="permitted")
    assert boxes(street.labels()) == [("car", [20, 40, 100, 100])]


def test_other_frames_of_the_same_thing_come_on_request(street: Street) -> None:
    for frame in (0, 1):
        street.saw(frame, ("garbage", LEFT))
    street.decide(street.candidate("garbage", (0, LEFT), (1, LEFT)), "confirm")
    assert [each["sha256"] for each in street.labels()["images"]] == street.digests[:1]
    assert {each["sha256"] for each in street.labels(frames="all")["images"]} == set(street.digests)


def test_the_archive_is_imported_as_it_is(street: Street, tmp_path: Path, photos: list[bytes]) -> None:
    street.saw(0, ("garbage", LEFT))
    street.saw(1, ("graffiti", RIGHT), ("garbage", LOW))
    street.decide(street.candidate("garbage", (0, LEFT)), "confirm")
    street.decide(
        street.candidate("graffiti", (1, RIGHT), condition="defacement"), "reject", reason="not_there"
    )
    answer = street.analyst.get("/v1/labels/export", params={"format": "zip"})
    assert answer.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    (tmp_path / "labels.zip").write_bytes(answer.content)
    result = CliRunner().invoke(
        app, ["dataset", "import", str(tmp_path / "labels.zip"), "--to", str(tmp_path / "data"), "--json"]
    )
    assert result.exit_code == 0, result.output
    records = {record.source: record for record in read_sources(tmp_path / "data")}
    garbage, graffiti = records["decisions-garbage"], records["decisions-graffiti"]
    assert (garbage.class_names, graffiti.class_names) == (("garbage",), ())
    assert graffiti.labelled_classes == {"graffiti"}  # and garbage, undecided there, is not
    assert garbage.image.read_bytes() == photos[0]
    x, y, width, height = garbage.boxes_cxcywh_norm[0].tolist()
    assert (x * 640, y * 360, width * 640, height * 360) == pytest.approx((70, 90, 100, 100), abs=1e-3)
    with open_database(street.settings) as database, database.read() as session:
        assert set(session.scalars(select(PhotoAccess.frame_id))) == set(street.frames)


def test_nothing_decided_is_an_empty_document(street: Street) -> None:
    assert street.labels()["images"] == []
    assert street.labels(area="/330106/", decided_from="2020-01-01T00:00:00Z")["annotations"] == []
    answer = street.analyst.get("/v1/labels/export", params={"format": "zip"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_labels")


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.VIEWER, Role.THIRD_PARTY, Role.HANDLER])
def test_labels_are_for_analysts(person: Person, role: Role) -> None:
    assert person(role).get("/v1/labels/export").status_code == 403
