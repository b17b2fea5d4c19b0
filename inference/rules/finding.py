"""What one rule found for one place: its state, a reason code, and the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language

State = Literal["met", "not_met", "uncertain", "not_measurable"]
Value = float | int | str | None

# Reason code -> what it says. Codes are stable; wording is not.
REASONS: dict[str, str] = {
    # gates
    "scorable": "seen on {frames} frames that can be judged",
    "not_scorable": "seen only on frames that cannot be judged",
    "large_enough": "{size_px} px on its best frame; at least {needed_px} asked",
    "too_small_px": "only {size_px} px on its best frame; at least {needed_px} asked",
    "wide_enough": "{width_m} m wide; at least {needed_m} asked",
    "too_small_m": "only {width_m} m wide; at least {needed_m} asked",
    "no_ground_width": "the ground does not tell how wide it is",
    "enough_frames": "on {frames} frames, best score {score}",
    "too_few_frames": "on {frames} frames; at least {needed} asked, or a score of {sure_score}",
    "enough_passes": "seen on {passes} passes",
    "too_few_passes": "seen on {passes} passes; at least {needed} asked",
    # zones
    "in_zone": "{share} likely inside {zone}",
    "perhaps_in_zone": "{share} likely inside {zone}: the position is not exact enough to tell",
    "likelier_outside": "only {share} likely inside {zone}",
    "outside_zones": "outside all zones that concern it",
    "in_image_zone": "inside {zone} on {share} of the frames",
    "no_zones": "no zone that concerns it is on the map",
    "no_position": "no position, so no zone can be asked",
    "no_time": "no time, so the hours of a zone cannot be asked",
    "window_missed": "inside {zone}, but at {when}, outside its hours",
    # standing and dwell
    "stood": "nothing shows that it moved: {speed_mps} m/s at least, up to {allowed_mps} counts as standing",
    "moving": "moved at {speed_mps} m/s at least; only up to {allowed_mps} counts as standing",
    "speed_unknown": "its frames do not tell whether it moved",
    "stood_on_camera": "stood for {seconds} s on a fixed camera; {needed_s} asked",
    "left_too_soon": "stood for only {seconds} s on a fixed camera; {needed_s} asked",
    "passes_apart": "at the same place on passes {minutes} minutes apart; {needed_min} asked",
    "passes_too_close": "at the same place on passes only {minutes} minutes apart; {needed_min} asked",
    "one_pass": "seen on one pass only: how long it stood needs a second look",
    "plates_not_read": "whether it is the same vehicle: plates are never read, a person compares",
    # evidence pair
    "two_times": "two pictures at different times",
    "one_time": "no two pictures with different known times",
    "interval_long": "{seconds} s between the two pictures; {needed_s} asked",
    "interval_short": "only {seconds} s between the two pictures; {needed_s} asked",
    "resolution": "{width} x {height} pixels; {needed_width} x {needed_height} asked",
    "resolution_low": "only {width} x {height} pixels; {needed_width} x {needed_height} asked",
    "clock_close": "clock error {seconds} s by the device profile; at most {allowed_s} allowed",
    "clock_off": "clock error {seconds} s by the device profile; only {allowed_s} allowed",
    "clock_unknown": "device {device} has no profile, so its clock error is unknown",
    "same_place": "{metres} m between the two pictures' places; {allowed_m} allowed",
    "same_track": "one track on one patrol",
    "same_in_frame": "{moved_widths} of its width between the two pictures; {allowed_widths} allowed",
    "moved_in_frame": "moved {moved_widths} of its width between the pictures; only {allowed_widths} allowed",
    "place_unsure": "{metres} m between the two pictures' places, give or take {sigma_m}; {allowed_m} asked",
    "other_place": "{metres} m between the two pictures' places; only {allowed_m} allowed",
    "whole_in_frame": "whole inside both pictures",
    "cut_off": "cut off by the frame in at least one picture",
    "left_to_a_person": "plate, colour, model and landmarks are for a person to check",
    "colour_unknown": "24-bit colour of the original file is for a person to check",
    # vending
    "permitted": "{share} likely inside {zone} and within its hours",
    "perhaps_permitted": "{share} likely inside {zone}: the position is not exact enough to tell",
    "not_permitted": "outside all zones and hours where it is permitted",
    # garbage and facilities
    "seen_for": "seen over {hours} h; {needed_h} asked",
    "seen_briefly": "seen over {hours} h only; {needed_h} asked",
    "seen_once": "seen at one time only",
    "area_large": "about {m2} m2 ({low_m2} to {high_m2}); {needed_m2} asked",
    "area_small": "about {m2} m2 ({low_m2} to {high_m2}), too little; {needed_m2} asked",
    "area_unsure": "about {m2} m2 ({low_m2} to {high_m2}), so {needed_m2} cannot be told",
    "area_unknown": "its area is not known",
    "length_enough": "at least {length_m} m across the view; {needed_m} asked",
    "length_unknown": "its length along the view needs measuring",
    "needs_measuring": "depth or width of {needed_mm} mm cannot be seen by a camera: needs measuring",
    "lid_unread": "whose lid it is: the lettering is not read, 不明井盖 is proposed",
    "on_ground": "{share} likely on {zone}",
    "ground_unknown": "no map tells what ground it lies on",
    # severity
    "base": "the usual level of its class: {level}",
    "large": "large: about {m2} m2",
    "long": "seen for {hours} h",
    "zone_level": "at least {level} in {zone}",
    # why a code is proposed
    "by_default": "the usual code of the class",
    "by_zone": "by the zone {zone}",
    "by_persistence": "seen for {hours} h",
    "by_persistence_and_size": "seen for {hours} h, about {m2} m2",
    "a_person_may_choose": "a person may choose it instead",
    # why a place is no lead, where no finding says it
    "context": "context, never an issue by itself",
    "unknown_class": "class {what} is not in the taxonomy",
    "condition_off": "condition {what} is turned off by the rules",
    "permitted_bay": "{share} likely inside permitted bays: {zone}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one rule.

    Attributes:
        rule: which rule was asked.
        state: "uncertain" is measured, but not exactly enough to tell.
        reason: a key of `REASONS`.
        values: the numbers and names behind it, for the words and for machines.
    """

    rule: str
    state: State
    reason: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def say(self, language: Language) -> str:
        """In words."""
        return say_reason(self.reason, self.values, language)


def say_reason(reason: str, values: Mapping[str, Value], language: Language) -> str:
    """A reason with its numbers filled in."""
    shown = {name: _shown(name, value, language) for name, value in values.items()}
    return translate(REASONS[reason], language, **shown)


def _shown(name: str, value: Value, language: Language) -> Value:
    if isinstance(value, float):
        return f"{value:.10g}"  # 16, not 16.0
    return translate(value, language) if name == "level" and isinstance(value, str) else value


def percent(share: float) -> str:
    """A probability for people; never "100 %" of what is not certain."""
    return f"{min(max(share, 0.001), 0.999):.1%}" if 0 < share < 1 else f"{share:.0%}"
