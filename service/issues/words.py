"""Names of states and acts for people."""

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.decisions.states import Kind as DecisionKind
from streetsight.service.issues.states import Recorded, State

STATES: dict[State, tuple[str, str]] = {
    "filed": ("confirmed", "已确认"),
    "dispatched": ("dispatched", "已派遣"),
    "to_check": ("to be checked", "待核查"),
    "rework": ("rework", "返工"),
    "shelved": ("shelved", "挂账"),
    "closed": ("closed", "已销号"),
    "not_pursued": ("not pursued", "不予立案"),
    "withdrawn": ("withdrawn", "已撤销"),
}
ACTS: dict[Recorded, tuple[str, str]] = {
    "enter": ("entered", "上报"),
    "dispatch": ("dispatch", "派遣"),
    "handle": ("handled on the spot", "现场处置"),
    "answer": ("answer", "处置反馈"),
    "return": ("give back", "回退"),
    "close": ("close", "销号"),
    "rework": ("rework", "返工"),
    "ask_extension": ("ask for an extension", "申请延期"),
    "grant_extension": ("grant the extension", "批准延期"),
    "refuse_extension": ("refuse the extension", "不批准延期"),
    "pause": ("stop the clock", "暂停计时"),
    "resume": ("let the clock go on", "恢复计时"),
    "shelve": ("shelve", "挂账"),
    "unshelve": ("take up again", "解除挂账"),
    "appeal": ("appeal", "申诉"),
    "uphold_appeal": ("uphold the appeal", "申诉成立"),
    "refuse_appeal": ("refuse the appeal", "申诉不成立"),
    "look_back": ("looked back: in order", "回头看合格"),
    "reopen": ("reopen", "重新立案"),
    "drop": ("do not pursue", "不予立案"),
    "supervise": ("supervise", "督办"),
    "end_supervision": ("end the supervision", "督办销号"),
    "keep": ("do not follow the proposal", "不采纳建议"),
    "comment": ("comment", "备注"),
    "overdue": ("overdue", "超期"),
}
DECISIONS: dict[DecisionKind, tuple[str, str]] = {
    "confirm": ("confirmed", "确认"),
    "reject": ("rejected", "不予立案"),
    "correct": ("corrected", "更正"),
    "merge": ("merged", "合并"),
    "split": ("split", "拆分"),
    "reopen": ("decision undone", "撤销核实"),
}
RECHECKS: dict[str, tuple[str, str]] = {
    "still_present": ("seen again by a later pass", "后续巡查仍存在"),
    "gone": ("not there any more by a later pass", "后续巡查已消失"),
    "not_seen": ("not seen by a later pass", "后续巡查未覆盖"),
    "uncertain": ("a later pass could not tell", "后续巡查无法判断"),
}


def say_of(words: tuple[str, str], language: Language) -> str:
    """One of the two."""
    return words[1] if language == "zh" else words[0]


def say_proposal(because: dict[str, object], language: Language) -> str:
    """Why a later pass proposes something."""
    if because.get("why") == "new_lead":
        return translate("a new lead came up at the place after it was closed", language)
    if because.get("outcome") == "gone":
        return translate("a later pass found nothing there any more", language)
    return translate("a later pass has seen it there again", language)
