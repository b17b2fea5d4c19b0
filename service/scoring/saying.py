"""Rules in words, for who reads a scheme or a sheet without its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.candidates.exports import class_label, condition_label
from streetsight.service.groupings.reading import GroupingDocument
from streetsight.service.places.words import Subject, words
from streetsight.service.scoring.schemes import (
    Banded,
    Binary,
    Bonus,
    ByFigure,
    Manual,
    PerProblem,
    PerRate,
    PerUnit,
    Where,
)

_OF_PLACES: dict[str, Subject] = {
    "scene": "scenes", "area_type": "area_types", "road_grade": "grades", "place_kind": "kinds",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says rules in a language. Attributes: groupings: the city's, whose members rules ask for."""

    language: Language
    groupings: GroupingDocument

    def rule(self, rule: Any) -> str:
        """What a rule takes or gives, and for what."""
        said: str = _SAYS[type(rule)](self, rule)
        where = self.where(getattr(rule, "where", {}))
        return f"{where}: {said}" if where else said

    def where(self, where: Where) -> str:
        """Conditions on cases; empty for none."""
        return "; ".join(
            f"{self.tag(tag)}: {' / '.join(self.value(tag, each) for each in values)}"
            for tag, values in where.items()
        )

    def tag(self, tag: str) -> str:
        """What a tag is called."""
        grouping = self.groupings.by_code.get(tag)
        if grouping is not None:
            return grouping.zh if self.language == "zh" else grouping.en
        return self._tags().get(tag, tag)

    def value(self, tag: str, value: str) -> str:
        """What a value of a tag is called."""
        if tag == "condition":
            return condition_label(value, self.language)
        if tag == "class":
            return class_label(value, self.language)
        if tag in _OF_PLACES and value in words(_OF_PLACES[tag]):
            return words(_OF_PLACES[tag])[value].label(self.language)
        grouping = self.groupings.by_code.get(tag)
        for member in grouping.members if grouping else ():
            if member.code == value:
                return member.zh if self.language == "zh" else member.en
        return self._values().get(value, value)

    def number(self, name: str) -> str:
        """What a count is called; a figure by its own name."""
        return self._counts().get(name, name)

    def basis(self, basis: str) -> str:
        """What a line reckoned with, as `sheets.SheetLine` has it: `handled 45 / dispatched 50`."""
        return " ".join(self.number(each) for each in basis.split(" "))

    def say(self, message: str, **values: object) -> str:
        return translate(message, self.language, **values)

    def _tags(self) -> Mapping[str, str]:
        return {
            "condition": translate("condition", self.language), "class": translate("class", self.language),
            "code": translate("national code", self.language),
            "severity": translate("severity", self.language), "channel": translate("source", self.language),
            "scene": translate("scene", self.language), "area_type": translate("area type", self.language),
            "road_grade": translate("road grade", self.language),
            "place_kind": translate("kind of place", self.language), "unit": translate("unit", self.language),
            "closed_how": translate("how it was closed", self.language),
            "day": translate("day", self.language), "light": translate("light", self.language),
            "inspection": translate("inspection", self.language), "area": translate("area", self.language),
        }  # fmt: skip

    def _values(self) -> Mapping[str, str]:
        return {
            "workday": translate("workdays", self.language), "holiday": translate("holidays", self.language),
            "night": translate("by night", self.language), "announced": translate("announced", self.language),
            "ordinary": translate("unannounced", self.language), "high": translate("severe", self.language),
            "medium": translate("medium", self.language), "low": translate("slight", self.language),
            "patrol": translate("patrol", self.language),
            "inspector": translate("inspector's entry", self.language),
            "third_party": translate("third party", self.language),
            "citizen": translate("citizen's report", self.language),
            "hotline": translate("hotline", self.language),
            "on_spot": translate("handled on the spot", self.language),
            "checked": translate("checked", self.language),
            "found_gone": translate("found to be gone", self.language),
        }  # fmt: skip

    def _counts(self) -> Mapping[str, str]:
        return {
            "found": translate("problems found", self.language),
            "places": translate("places with a problem", self.language),
            "dispatched": translate("dispatched", self.language),
            "due": translate("deadline reached", self.language),
            "handled": translate("handled", self.language),
            "handled_in_time": translate("handled in time", self.language),
            "overdue": translate("overdue", self.language), "closed": translate("closed", self.language),
            "reworked": translate("sent back", self.language),
            "reopened": translate("reopened", self.language),
            "extended": translate("extended", self.language),
            "appealed": translate("contested", self.language),
            "upheld": translate("appeals upheld", self.language),
        }  # fmt: skip


def light_of(speaker: Speaker, value: str) -> str:
    """Day or night; `day` is the name of a tag as well."""
    return speaker.say("by day") if value == "day" else speaker.value("light", value)


def plain(number: Decimal) -> str:
    """Without zeros that say nothing."""
    text = f"{number.normalize():f}"
    return "0" if text == "-0" else text


def _per_problem(speaker: Speaker, rule: PerProblem) -> str:
    points = plain(rule.points)
    if rule.one_per == "place":
        said = speaker.say("{points} points off for each place with a problem", points=points)
    elif rule.one_per == "view":
        said = speaker.say("{points} points off for each view with problems", points=points)
    else:
        said = speaker.say("{points} points off for each problem", points=points)
    if rule.most is not None:
        said = speaker.say("{rule}, {most} at most", rule=said, most=plain(rule.most))
    second = rule.unrectified
    if second is None:
        return said
    events = " / ".join(_event(speaker, each) for each in second.events)
    more = plain(min(second.points, rule.points) if second.not_above_first else second.points)
    if second.once:
        return speaker.say(
            "{rule}; {points} more, once a month, when it is not put right ({events})",
            rule=said, points=more, events=events,
        )  # fmt: skip
    return speaker.say(
        "{rule}; {points} more each time that it is not put right ({events})",
        rule=said, points=more, events=events,
    )  # fmt: skip


def _event(speaker: Speaker, event: str) -> str:
    if event == "overdue":
        return speaker.say("overdue")
    return speaker.say("sent back") if event == "rework" else speaker.say("found again")


def _rate(speaker: Speaker, over: str, under: str | None) -> str:
    return speaker.number(over) if under is None else f"{speaker.number(over)} / {speaker.number(under)}"


def _per_rate(speaker: Speaker, rule: PerRate) -> str:
    rate, points = _rate(speaker, rule.over, rule.under), plain(rule.points)
    if rule.invert:
        return speaker.say("{points} points × (1 − {rate})", points=points, rate=rate)
    return speaker.say("{points} points × {rate}", points=points, rate=rate)


def _banded(speaker: Speaker, rule: Banded) -> str:
    bands = [
        speaker.say("below {bound}: {points}", bound=plain(each.below), points=plain(each.points))
        if each.below is not None
        else speaker.say("else: {points}", points=plain(each.points))
        for each in rule.bands
    ]
    rate = _rate(speaker, rule.over, rule.under)
    return speaker.say("points by {rate}: {bands}", rate=rate, bands=", ".join(bands))


def _per_unit(speaker: Speaker, rule: PerUnit) -> str:
    said = speaker.say(
        "{points} points off for every {unit} of {number} above {quota}",
        points=plain(rule.points), unit=plain(rule.unit), number=speaker.number(rule.of),
        quota=plain(rule.quota),
    )  # fmt: skip
    if rule.most is None:
        return said
    return speaker.say("{rule}, {most} at most", rule=said, most=plain(rule.most))


def _binary(speaker: Speaker, rule: Binary) -> str:
    values = {
        "points": plain(rule.points), "rate": _rate(speaker, rule.of, rule.under), "value": plain(rule.value),
    }  # fmt: skip
    if rule.must_be == "at_least":
        return speaker.say("{points} points lost unless {rate} is at least {value}", **values)
    return speaker.say("{points} points lost unless {rate} is at most {value}", **values)


def _bonus(speaker: Speaker, rule: Bonus) -> str:
    return speaker.say(
        "{points} points added for every {unit} of {number}, {most} at most",
        points=plain(rule.points), unit=plain(rule.unit), number=speaker.number(rule.of),
        most=plain(rule.most),
    )  # fmt: skip


def _by_figure(speaker: Speaker, rule: ByFigure) -> str:
    return speaker.say(
        "{points} points × {number} / {out_of}",
        points=plain(rule.points), number=speaker.number(rule.of), out_of=plain(rule.out_of),
    )  # fmt: skip


def _manual(speaker: Speaker, rule: Manual) -> str:
    return speaker.say(
        "by hand with a reason, {lowest} to {highest} points",
        lowest=plain(rule.lowest), highest=plain(rule.highest),
    )  # fmt: skip


_SAYS: dict[type, Any] = {
    PerProblem: _per_problem, PerRate: _per_rate, Banded: _banded, PerUnit: _per_unit, Binary: _binary,
    Bonus: _bonus, ByFigure: _by_figure, Manual: _manual,
}  # fmt: skip
