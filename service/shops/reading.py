"""Shops from files of offices: CSV and GeoJSON, each line read for itself and named when it is wrong."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streetsight.inference.positions.profile import Crs
from streetsight.service.areas.reading import declared_crs
from streetsight.service.faults import Invalid
from streetsight.service.sheets import decode, read_sheet

MOST = 50_000
# What columns and properties are called, compared without spaces, brackets and case.
COLUMNS: dict[str, str] = {
    "code": "店铺编号 商铺编号 门店编号 编号 code shopcode id",
    "name": "店铺名称 店名 商铺名称 门店名称 名称 name shopname",
    "address": "地址 店铺地址 门牌 address",
    "lon": "经度 lon lng long longitude x",
    "lat": "纬度 lat latitude y",
    "reach_m": "门前范围米 门前范围 责任区米 reachm reach",
    "unit": "责任单位 单位 unit",
    "street": "道路编号 街道编号 路段编号 street streetcode road",
    "chief": "街长 路长 chief streetchief",
    "manager": "店长 负责人 责任人 联系人 manager",
    "telephone": "电话 联系电话 手机 手机号 telephone phone tel",
    "agreement_number": "责任书编号 协议编号 agreementnumber",
    "agreement_signed": "责任书签订日期 签订日期 签订时间 agreementsigned signed",
    "demonstration": "文明示范店 示范店 demonstration model",
}
YES, NO = ("是", "有", "yes", "true", "1", "y", "√"), ("否", "无", "no", "false", "0", "n", "×")


class BadShops(Invalid):
    """The file cannot be read as shops at all."""

    code = "bad_shops"


@dataclass(frozen=True, slots=True)
class Row:
    """A shop of a file, not judged yet.

    Attributes:
        line: of the file, or number of the feature.
        values: by the names of `ShopSent`; what the file leaves empty is not in it.
        fault: why it cannot be read.
    """

    line: int
    values: Mapping[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """Attributes: ignored: columns or properties that mean nothing here."""

    rows: list[Row]
    ignored: list[str]


def read_csv(content: bytes, crs: Crs | None) -> File:
    """Shops of a table whose first line names the columns.

    Args:
        crs: of its coordinates, where it has some.

    Raises:
        BadSheet, BadShops, UnknownCrs
    """
    sheet = read_sheet(decode(content)[0], column_of)
    if "code" not in sheet.columns:
        raise BadShops(
            "the first line names no column of shop numbers (店铺编号, code); it says: {header}",
            header=sheet.head[:200],
        )
    system = declared_crs({}, crs) if {"lon", "lat"} & set(sheet.columns) else "wgs84"
    return File(
        [Row(each.number, _values(each.cells, system), each.fault) for each in sheet.lines], sheet.unknown
    )


def read_features(document: Mapping[str, Any], crs: Crs | None) -> File:
    """Shops of a FeatureCollection. Raises BadShops, UnknownCrs."""
    features, system = document["features"], declared_crs(dict(document), crs)
    if len(features) > MOST:
        raise BadShops("the file has {count} shops, at most {most} are taken", count=len(features), most=MOST)
    ignored: dict[str, None] = {}
    return File([*_features(features, system, ignored)], [*ignored])


def column_of(title: str) -> str | None:
    """What a column is, by its title; None for one that means nothing here."""
    plain = re.sub(r"[\s()()_*::\"'\ufeff-]", "", title).lower()
    return next((name for name, titles in COLUMNS.items() if plain in titles.split()), None)


def _features(features: list[Any], crs: Crs, ignored: dict[str, None]) -> Iterator[Row]:
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            yield Row(number, {}, "not a GeoJSON feature with properties and geometry")
            continue
        cells: dict[str, str] = {}
        for title, value in properties.items():
            name = column_of(title)
            if name is None:
                ignored[title] = None
            elif value is not None:
                cells[name] = str(value).lower() if isinstance(value, bool) else str(value)
        yield Row(number, {**_values(cells, crs), "geometry": feature.get("geometry"), "crs": crs})


def _values(cells: Mapping[str, str], crs: Crs) -> dict[str, Any]:
    values: dict[str, Any] = {name: text for name, text in cells.items() if text}
    if "agreement_signed" in values:
        values["agreement_signed"] = _day(values["agreement_signed"])
    if (said := str(values.get("demonstration", "")).lower()) in (*YES, *NO):
        values["demonstration"] = said in YES
    if "lon" in values or "lat" in values:
        values["crs"] = crs
    return values


def _day(text: str) -> str:
    """2026/3/1 and 2026年3月1日 as 2026-03-01; what is none stays, and is refused later."""
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?( .*)?", text)
    return f"{parts[1]}-{int(parts[2]):02}-{int(parts[3]):02}" if parts else text
