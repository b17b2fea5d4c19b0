"""Issues as files."""

from streetsight.service.candidates.exports import LEVELS, chinese, class_label, code_text, condition_label
from streetsight.service.exports import Column

STATES = {"filed": "已立案", "withdrawn": "已撤销"}

COLUMNS = (
    Column("number", "问题编号", "number"),
    Column("id", "编号", "id"),
    Column("state", "状态", "state", chinese(STATES)),
    Column("condition", "问题类型", "condition", condition_label),
    Column("class", "类别", "class", class_label, "class_name"),
    Column("code", "国标代码", "code", code_text),
    Column("severity", "严重程度", "severity", chinese(LEVELS)),
    Column("area_path", "片区", "area"),
    Column("unit", "责任单位", "unit"),
    Column("confirmed_at", "确认时间", "confirmed"),
    Column("confirmed_by", "确认人", "confirmed by"),
    Column("candidate_id", "线索编号", "candidate"),
    Column("version", "版本", "version"),
)
