"""Candidates as files."""

from typing import Any

from streetsight.models.codes import OTHER
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.exports import Column

STATES = {
    "open": "待核实",
    "gone": "已消失",
    "confirmed": "已确认",
    "rejected": "不予立案",
    "merged": "已合并",
}
SOURCES = {"patrol": "巡查", "citizen": "市民上报", "hotline": "热线", "inspector": "巡查员上报"}
LEVELS = {"low": "低", "medium": "中", "high": "高"}


def condition_label(name: str, language: Language) -> str:
    """The condition's name for people."""
    if name == OTHER:
        return "其他" if language == "zh" else "other"
    known = default_taxonomy().conditions.get(name)
    return known.label(language) if known else name


def class_label(name: str, language: Language) -> str:
    """The class's name for people."""
    taxonomy = default_taxonomy()
    return taxonomy[name].label(language) if name in taxonomy else name


def code_text(code: dict[str, Any], _language: Language) -> str:
    """A code with the table that it is of."""
    return f"{code.get('code', '')} {code.get('name') or ''} ({code.get('scheme', '')})"


def yes_or_no(value: bool, language: Language) -> str:
    return ("是" if value else "否") if language == "zh" else ("yes" if value else "no")


def chinese(words: dict[str, str]) -> Any:
    """Says a word of a fixed list."""
    return lambda value, language: words.get(value, value) if language == "zh" else value


COLUMNS = (
    Column("id", "编号", "id"),
    Column("state", "状态", "state", chinese(STATES)),
    Column("condition", "问题类型", "condition", condition_label),
    Column("class", "类别", "class", class_label, "class_name"),
    Column("code", "国标代码", "code", code_text),
    Column("severity", "严重程度", "severity", chinese(LEVELS)),
    Column("score", "得分", "score", lambda value, _: round(value, 4)),
    Column("source", "来源", "source", chinese(SOURCES)),
    Column("area_path", "片区", "area"),
    Column("first_seen_at", "首次发现", "first seen"),
    Column("last_seen_at", "最近发现", "last seen"),
    Column("sightings", "目击数", "sightings"),
    Column("frames", "照片数", "frames"),
    Column("patrols", "巡查数", "patrols"),
    Column("needs_second_look", "需复看", "needs second look", yes_or_no),
    Column("description", "描述", "description"),
    Column("created_at", "登记时间", "created"),
    Column("decided_at", "核实时间", "decided"),
    Column("merged_into_id", "并入", "merged into"),
    Column("best_frame_id", "照片", "frame"),
    Column("release", "模型版本", "release"),
    Column("version", "版本", "version"),
)
