"""What a document calls things: why a line took what it took, what cases are split by, counts, causes."""

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.candidates.exports import class_label, condition_label


def why_said(why: str, language: Language) -> str:
    """Why a line has the points that it has; see `sheets.Why`."""
    said = {
        "counted": translate("counted", language),
        "same_place": translate("the same place as another", language),
        "same_view": translate("in one picture with another", language),
        "exempt": translate("exempt by the scheme", language),
        "advisory": translate("for information only", language),
        "upheld": translate("appeal upheld", language),
        "not_pursued": translate("not pursued", language),
        "withdrawn": translate("withdrawn", language),
        "once": translate("deducted once already", language),
        "over_most": translate("over what the rule may take", language),
        "at_floor": translate("the item is at its floor", language),
        "at_cap": translate("the item is at its cap", language),
        "restored": translate("given back", language),
    }
    return said.get(why, why)


def event_said(event: str | None, language: Language) -> str | None:
    """What showed that something was not put right."""
    said = {
        "overdue": translate("overdue", language),
        "rework": translate("answer not accepted", language),
        "reopened": translate("found again", language),
    }
    return None if event is None else said.get(event, event)


def split_said(tag: str, language: Language) -> str:
    """What cases are split by."""
    said = {
        "day": translate("workdays and holidays", language),
        "light": translate("day and night", language),
        "inspection": translate("announced and ordinary days", language),
    }
    return said.get(tag, tag)


def value_said(value: str, language: Language) -> str:
    """A side of a split."""
    said = {
        "workday": translate("workday", language),
        "holiday": translate("holiday", language),
        "day": translate("by day", language),
        "night": translate("at night", language),
        "announced": translate("announced inspection", language),
        "ordinary": translate("ordinary day", language),
    }
    return said.get(value, value)


def count_said(name: str, language: Language) -> str:
    """A count of cases; `counting.counts` says what each one is."""
    said = {
        "found": translate("issues found", language),
        "places": translate("problem places", language),
        "dispatched": translate("dispatched", language),
        "due": translate("deadline passed", language),
        "handled": translate("handled", language),
        "handled_in_time": translate("handled in time", language),
        "overdue": translate("overdue", language),
        "closed": translate("closed issues", language),
        "reworked": translate("sent back", language),
        "reopened": translate("found again", language),
        "extended": translate("deadline extended", language),
        "appealed": translate("appealed", language),
        "upheld": translate("appeal upheld", language),
    }
    return said.get(name, name)


def kind_said(tags: dict[str, str], language: Language) -> str:
    """What a case is: by its code, else its class, else its condition."""
    if tags.get("condition") == "other" and "code" in tags:
        return tags["code"]
    if "class" in tags and tags["class"] in default_taxonomy():
        return class_label(tags["class"], language)
    return condition_label(tags.get("condition", "other"), language)
