"""Issues as files."""

from streetsight.service.candidates.exports import (
    LEVELS,
    SOURCES,
    chinese,
    class_label,
    code_text,
    condition_label,
)
from streetsight.service.exports import Column
from streetsight.service.issues.words import STATES

CLOSED_HOW = {"on_spot": "现场处置", "checked": "核查结案", "found_gone": "复查已消失"}
COLOURS = {"white": "白", "yellow": "黄", "red": "红"}
APPEALS = {"open": "申诉中", "upheld": "申诉成立", "refused": "申诉不成立"}

COLUMNS = (
    Column("number", "问题编号", "number"),
    Column("id", "编号", "id"),
    Column("state", "状态", "state", chinese({name: zh for name, (_, zh) in STATES.items()})),
    Column("source", "来源", "source", chinese(SOURCES)),
    Column("condition", "问题类型", "condition", condition_label),
    Column("class", "类别", "class", class_label, "class_name"),
    Column("code", "国标代码", "code", code_text),
    Column("severity", "严重程度", "severity", chinese(LEVELS)),
    Column("area_path", "片区", "area"),
    Column("area_type", "区域类型", "area type"),
    Column("place", "位置描述", "place"),
    Column("unit", "责任单位", "unit"),
    Column("confirmed_at", "确认时间", "confirmed"),
    Column("confirmed_by", "确认人", "confirmed by"),
    Column("dispatched_at", "派遣时间", "dispatched"),
    Column("due_at", "处置时限", "due"),
    Column("answered_at", "反馈时间", "answered"),
    Column("closed_at", "销号时间", "closed"),
    Column("closed_how", "结案方式", "closed how", chinese(CLOSED_HOW)),
    Column("extensions", "延期次数", "extensions"),
    Column("reworks", "返工次数", "reworks"),
    Column("reopenings", "重新立案次数", "reopened"),
    Column("supervision", "督办", "supervision", chinese(COLOURS)),
    Column("appeal", "申诉", "appeal", chinese(APPEALS)),
    Column("shelved_until", "挂账复查日期", "shelved until"),
    Column("candidate_id", "线索编号", "candidate"),
    Column("version", "版本", "version"),
)
