"""Write results in the forms other tools read. Every photo is present, also those that could not be read."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, TextIO

import numpy as np

from streetsight.inference.pipeline import FrameResult
from streetsight.models.boxes import areas, px_to_norm, xyxy_to_xywh
from streetsight.models.card import Card
from streetsight.models.taxonomy import default_taxonomy

Format = Literal["jsonl", "coco", "csv", "geojson", "labelstudio"]

FILE_NAMES: dict[Format, str] = {
    "jsonl": "detections.jsonl",
    "coco": "detections.coco.json",
    "csv": "detections.csv",
    "geojson": "detections.geojson",
    "labelstudio": "detections.labelstudio.json",
}


def to_json(result: FrameResult, card: Card) -> dict[str, Any]:
    """The canonical JSON object of one photo."""
    metadata = result.metadata
    return {
        "image": result.name,
        "sha256": result.sha256,
        "outcome": result.outcome,
        "reason": _reason(result),
        "width": result.size_wh[0] if result.size_wh else None,
        "height": result.size_wh[1] if result.size_wh else None,
        "taken_at": _iso(metadata.taken_at),
        "position": asdict(metadata.position) if metadata.position else None,
        "metadata_problems": list(metadata.problems),
        "release": card.address,
        "quality": {"scorable": result.quality.scorable, **asdict(result.quality)}
        if result.quality
        else None,
        "detections": list(detection_rows(result, card)),
    }


def write(results: Iterable[FrameResult], card: Card, form: Format, out: TextIO) -> None:
    """Write all results in this format; JSON lines and CSV as they come, the others at the end."""
    WRITERS[form](results, card, out)


def _write_jsonl(results: Iterable[FrameResult], card: Card, out: TextIO) -> None:
    out.writelines(json.dumps(to_json(result, card), ensure_ascii=False) + "\n" for result in results)


def _write_coco(results: Iterable[FrameResult], card: Card, out: TextIO) -> None:
    """COCO detection results inside a full COCO file: images, categories, annotations with scores."""
    taxonomy = default_taxonomy()
    categories = [
        {"id": taxonomy[name].id, "name": name, "supercategory": taxonomy[name].condition or "context"}
        for name in card.class_names
    ]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index, result in enumerate(results, start=1):
        width, height = result.size_wh or (None, None)
        images.append(
            {
                "id": index,
                "file_name": result.name,
                "width": width,
                "height": height,
                "date_captured": _iso(result.metadata.taken_at),
                "outcome": result.outcome,
                "reason": _reason(result),
            }
        )
        if result.detections is None:
            continue
        found = result.detections
        for box, area, score, class_id in zip(
            xyxy_to_xywh(found.boxes_xyxy_px).tolist(), areas(found.boxes_xyxy_px).tolist(),
            found.scores.tolist(), found.class_ids.tolist(), strict=True,
        ):  # fmt: skip
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": taxonomy[card.class_names[class_id]].id,
                    "bbox": [round(each, 2) for each in box],
                    "area": round(area, 2),
                    "iscrowd": 0,
                    "score": round(score, 4),
                }
            )
    info = {"description": "Streetsight detections: leads, not confirmed issues", "release": card.address}
    _dump(out, {"info": info, "images": images, "categories": categories, "annotations": annotations})


def _write_csv(results: Iterable[FrameResult], card: Card, out: TextIO) -> None:
    """One row a detection; a photo without any has one row with the detection columns empty."""
    columns = [
        "image", "outcome", "reason", "taken_at", "lon", "lat", "scorable", "class", "condition", "score",
        "x1", "y1", "x2", "y2", "width", "height", "sha256", "release",
    ]  # fmt: skip
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    for result in results:
        position = result.metadata.position
        shared = {
            "image": result.name,
            "outcome": result.outcome,
            "reason": str(result.error or ""),
            "taken_at": _iso(result.metadata.taken_at) or "",
            "lon": position.lon if position else "",
            "lat": position.lat if position else "",
            "scorable": result.quality.scorable if result.quality else "",
            "width": result.size_wh[0] if result.size_wh else "",
            "height": result.size_wh[1] if result.size_wh else "",
            "sha256": result.sha256 or "",
            "release": card.address,
        }
        rows: list[dict[str, Any] | None] = [*detection_rows(result, card)]
        for row in rows or [None]:
            writer.writerow({key: plain(value) for key, value in {**shared, **_csv_columns(row)}.items()})


def _write_geojson(results: Iterable[FrameResult], card: Card, out: TextIO) -> None:
    """A point per photo (WGS-84), where the camera stood; photos without a position have no geometry."""
    features = []
    for result in results:
        row = to_json(result, card)
        position = row.pop("position")
        geometry = {"type": "Point", "coordinates": [position["lon"], position["lat"]]} if position else None
        features.append(
            {"type": "Feature", "geometry": geometry, "properties": {**row, "camera_position": position}}
        )
    _dump(out, {"type": "FeatureCollection", "features": features})


def _write_labelstudio(results: Iterable[FrameResult], card: Card, out: TextIO) -> None:
    """Tasks with predictions: boxes in percent of the picture, `RectangleLabels` named `label` on `image`."""
    tasks: list[dict[str, Any]] = []
    for result in results:
        if result.size_wh is None or result.detections is None:
            tasks.append(
                {"data": {"image": result.name, "outcome": result.outcome, "reason": _reason(result)}}
            )
            continue
        found = result.detections
        boxes = xyxy_to_xywh(px_to_norm(found.boxes_xyxy_px, result.size_wh)) * 100
        regions = [
            {
                "id": f"{(result.sha256 or '')[:8]}-{index}",
                "from_name": "label",
                "to_name": "image",
                "type": "rectanglelabels",
                "score": round(float(score), 4),
                "original_width": result.size_wh[0],
                "original_height": result.size_wh[1],
                "image_rotation": 0,
                "value": {
                    "x": x,
                    "y": y,
                    "width": width,
                    "height": height,
                    "rotation": 0,
                    "rectanglelabels": [card.class_names[int(class_id)]],
                },
            }
            for index, ((x, y, width, height), score, class_id) in enumerate(
                zip(boxes.astype(float).tolist(), found.scores, found.class_ids, strict=True)
            )
        ]
        mean = float(np.mean(found.scores)) if len(found) else 0.0
        prediction = {"model_version": card.address, "score": round(mean, 4), "result": regions}
        tasks.append({"data": {"image": result.name}, "predictions": [prediction]})
    _dump(out, tasks)


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

WRITERS: dict[Format, Callable[[Iterable[FrameResult], Card, TextIO], None]] = {
    "jsonl": _write_jsonl,
    "coco": _write_coco,
    "csv": _write_csv,
    "geojson": _write_geojson,
    "labelstudio": _write_labelstudio,
}


def detection_rows(result: FrameResult, card: Card) -> Iterator[dict[str, Any]]:
    """Class, condition, score and box of each detection, in their order."""
    if result.detections is None:
        return
    taxonomy, names = default_taxonomy(), card.class_names
    found = result.detections
    for box, score, class_id in zip(
        found.boxes_xyxy_px.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
    ):
        name = names[class_id]
        yield {
            "class": name,
            "condition": taxonomy[name].condition,
            "score": round(score, 4),
            "box_xyxy_px": [round(side, 2) for side in box],
        }


def _csv_columns(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {}
    box = dict(zip(("x1", "y1", "x2", "y2"), row["box_xyxy_px"], strict=True))
    return {"class": row["class"], "condition": row["condition"] or "", "score": row["score"], **box}


def plain(value: Any) -> Any:
    """A spreadsheet must not take a file name for a formula (CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _reason(result: FrameResult) -> str | None:
    return str(result.error) if result.error else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _dump(out: TextIO, content: Any) -> None:
    out.write(json.dumps(content, ensure_ascii=False) + "\n")
