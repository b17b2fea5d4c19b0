"""The files of a run: candidates as JSON, GeoJSON and CSV; sightings, frames and coverage beside them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import shapely

from streetsight.inference.coverage.covered import Measure
from streetsight.inference.coverage.geojson import covered_areas, covered_ground
from streetsight.inference.patrol.job import Lead, Run
from streetsight.inference.patrol.patrols import Patrol, pose_problems
from streetsight.inference.patrol.rows import (
    Row,
    candidate_row,
    clock_row,
    frame_row,
    not_lead_row,
    sighting_row,
)
from streetsight.inference.rules.candidate import NOTICE
from streetsight.inference.rules.zone_files import FeatureReport
from streetsight.inference.rules.zones import Zone
from streetsight.inference.writers import plain
from streetsight.models.durable import replace_file
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy

# Field names of GB/T 47678.5-2026, table 3 (事项): code, name, office in charge, place, grid.
STANDARD_COLUMNS = ("SXDM", "SXMC", "ZGBMDM", "ZGBMMC", "SFWZ", "SZDYWGBSM")
OWN_COLUMNS = (
    "number", "id", "condition", "class", "severity", "state", "needs_second_look", "score", "scheme", "code",
    "lon", "lat", "semi_major_m", "semi_minor_m", "bearing_deg", "area_m2", "area", "first_seen",
    "last_seen", "patrols", "frames", "fired", "not_measurable", "panorama", "close_up", "release",
)  # fmt: skip
GRID_CODE_DIGITS = 15


def lead_rows(run: Run, language: Language, pictures: Mapping[int, Mapping[str, str]]) -> list[Row]:
    """Every lead in full."""
    return [
        {
            "number": lead.number,
            "state": lead.state,
            **candidate_row(lead.candidate, language, run.image_of),
            "area": area_of_lead(lead, run.ground.areas),
            "pictures": dict(pictures.get(lead.number, {})),
            "rechecks": lead.rechecks,
        }
        for lead in run.leads
    ]


def document(run: Run, language: Language, pictures: Mapping[int, Mapping[str, str]]) -> Row:
    """The whole result as one JSON object."""
    card = run.card
    return {
        "notice": translate(NOTICE, language),
        "made_at": run.made_at.isoformat(timespec="seconds"),
        "release": {"name": card.name, "address": card.address, "digest": card.onnx_sha256},
        "taxonomy": default_taxonomy().version,
        "outings": [_outing_row(run, index, language) for index in range(len(run.outings))],
        "patrols": [_patrol_row(each) for each in run.patrols],
        "frames": dict(run.tally.outcomes),
        "zones": [_report_row(each, language) for each in run.ground.zone_reports],
        "areas": [_report_row(each, language) for each in run.ground.area_reports],
        "coverage": [measure_row(each) for each in measures(run)],
        "masked_sightings": run.judgement.masked,
        "sightings_not_compared_with_masks": run.unplaced,
        "candidates": lead_rows(run, language, pictures),
        "not_leads": [not_lead_row(each, language) for each in run.judgement.not_leads],
    }


def write_files(
    run: Run,
    output: Path,
    language: Language,
    pictures: Mapping[int, Mapping[str, str]],
    district: str | None = None,
) -> None:
    """All files of data, each whole or not there."""
    whole = document(run, language, pictures)
    rows = whole["candidates"]
    frames = (
        frame_row(each, run.card, run.hidden.get(each.known.id, frozenset()) if each.known else frozenset())
        for each in run.frames
    )
    _write(output / "frames.jsonl", _lines(frames))
    _write(output / "sightings.jsonl", _lines(sighting_row(each, run.image_of) for each in run.kept))
    _write(output / "coverage.geojson", _json(coverage_geojson(run)))
    _write(output / "candidates.geojson", _json(geojson(rows)))
    # The byte order mark tells spreadsheets that a CSV is UTF-8.
    _write(output / "candidates.csv", table(rows, run, district), "utf-8-sig")
    _write(output / "candidates.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")


def geojson(rows: Iterable[Row]) -> Row:
    """RFC 7946: a point per candidate, WGS-84 lon, lat; without a position it has no geometry."""
    features = []
    for row in rows:
        position = row["position"]
        point = position and {"type": "Point", "coordinates": [position["lon"], position["lat"]]}
        properties = {key: value for key, value in row.items() if key not in ("sightings", "position")}
        properties |= position["ellipse_95"] if position else {}
        features.append({"type": "Feature", "geometry": point, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def coverage_geojson(run: Run) -> Row:
    """Ground seen and passed, by frame; with areas also what of them was not seen."""
    ground = covered_ground(run.coverage)
    if run.ground.areas:
        areas = {each.name: each.geometry for each in run.ground.areas}
        ground["features"] += covered_areas(run.coverage, areas)["features"]
    return ground


def table(rows: Iterable[Row], run: Run, district: str | None = None) -> str:
    """For spreadsheets: the standard's fields first, then ours.

    Args:
        district: six digits of GB/T 2260; without it no full code of the standard can be given.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, (*STANDARD_COLUMNS, *OWN_COLUMNS), restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: plain(value) for key, value in table_row(row, run, district).items()})
    return text.getvalue()


def table_row(row: Row, run: Run, district: str | None) -> Row:
    """A candidate in one line."""
    code, position, area = row["proposal"]["code"], row["position"], row["area"]
    ellipse = position["ellipse_95"] if position else {}
    of_state = {
        state: "; ".join(each["says"] for each in row["findings"] if each["state"] == state)
        for state in ("met", "not_measurable")
    }
    place = (
        f"{position['lon']:.6f}, {position['lat']:.6f} (WGS-84, ±{ellipse['semi_major_m']:.1f} m)"
        if position
        else ""
    )
    return {
        "SXDM": f"{district}{code['code']}" if code and district else "",
        "SXMC": code["name"] if code else row["proposal"]["label"],
        "SFWZ": place,
        "SZDYWGBSM": area if area and area.isdigit() and len(area) == GRID_CODE_DIGITS else "",
        **{key: row[key] for key in OWN_COLUMNS if key in row and not isinstance(row[key], (list, dict))},
        "scheme": code["scheme"] if code else "",
        "code": code["code"] if code else "",
        "lon": position["lon"] if position else "",
        "lat": position["lat"] if position else "",
        **ellipse,
        "area_m2": row["area_m2"][1] if row["area_m2"] else "",
        "area": area or "",
        "patrols": len(row["patrols"]),
        "fired": of_state["met"],
        "not_measurable": of_state["not_measurable"],
        "panorama": row["pictures"].get("panorama", ""),
        "close_up": row["pictures"].get("close_up", ""),
        "release": run.card.address,
    }


def measures(run: Run) -> list[tuple[str | None, Measure]]:
    """Coverage of each area on each day; of everything, named None, first."""
    found: list[tuple[str | None, Measure]] = []
    for day in run.coverage.days:
        found.append((None, run.coverage.measure(day)))
        found += [(area.name, run.coverage.measure(day, area.geometry)) for area in run.ground.areas]
    return found


def measure_row(named: tuple[str | None, Measure]) -> Row:
    """Metres and square metres."""
    name, measure = named
    seen = {
        key: None if (value := getattr(measure, key)) is None else round(value, 1)
        for key in ("area_m2", "seen_m2", "passed_m2", "not_seen_m2", "driven_m", "driven_seen_m")
    }
    return {
        "area": name, "day": measure.day.isoformat() if measure.day else None, **seen,
        "frames": measure.frames, "refused": dict(measure.refused),
    }  # fmt: skip


def area_of_lead(lead: Lead, areas: Iterable[Zone]) -> str | None:
    """Name of the area that the lead's place lies in."""
    place = lead.candidate.place
    if place.lon is None or place.lat is None:
        return None
    point = shapely.Point(place.lon, place.lat)
    return next((each.name for each in areas if each.geometry.intersects(point)), None)


def _outing_row(run: Run, index: int, language: Language) -> Row:
    outing = run.outings[index]
    file = outing.track_file
    return {
        "path": outing.path,
        "device": outing.profile.device,
        "photos": len(outing.photos),
        "videos": [str(each) for each in outing.videos],
        "track": None
        if file is None
        else {
            "path": str(file.path),
            "found_in_folder": file.found,
            "fault": file.fault.say(language) if file.fault else None,
            "dropped": dict(file.track.dropped) if file.track else {},
        },
        "cameras": [
            {
                "camera": each.camera,
                "outcomes": [
                    {"outcome": one.problem, "frames": len(one.frames), "says": one.say(language)}
                    for one in each.outcomes
                ],
                "clocks": [clock_row(one) for one in each.clocks],
            }
            for each in run.posed
            if each.outing is outing
        ],
    }


def _patrol_row(patrol: Patrol) -> Row:
    times = [each.pose.taken_at for each in patrol.frames if each.pose and each.pose.taken_at]
    return {
        "id": patrol.id,
        "device": patrol.device,
        "path": patrol.path,
        "began": min(times).isoformat() if times else None,
        "ended": max(times).isoformat() if times else None,
        "frames": len(patrol.frames),
        "accepted": len(patrol.accepted),
        "sightings": len(patrol.sightings),
        "frame_problems": dict(pose_problems(patrol.frames).most_common()),
    }


def _report_row(report: FeatureReport, language: Language) -> Row:
    return {
        "feature": report.index + 1, "name": report.name, "outcome": report.outcome, "used": report.used,
        "says": report.say(language),
    }  # fmt: skip


def _lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def _write(path: Path, content: str, encoding: str = "utf-8") -> None:
    replace_file(path, content.encode(encoding))
