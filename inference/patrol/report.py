"""The page of a run: one file, map and pictures inside, no network."""

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from streetsight.inference.patrol.evidence import Evidence, roles_of
from streetsight.inference.patrol.job import Lead, Run
from streetsight.inference.patrol.map import colour_of, draw_map
from streetsight.inference.patrol.patrols import pose_problems
from streetsight.inference.patrol.rows import ellipse_95
from streetsight.inference.patrol.writers import measures
from streetsight.inference.positions.clock import ClockEstimate
from streetsight.inference.report import class_rows, render_template
from streetsight.inference.rules.candidate import Proposal
from streetsight.inference.rules.finding import Finding, say_reason
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy

MAX_PICTURED = 150  # leads; the folder has the pictures of the others
STATES = ("met", "uncertain", "not_measurable", "not_met")
MARKS = {"met": "✓", "uncertain": "≈", "not_measurable": "?", "not_met": "✗"}

Row = dict[str, Any]


def render_report(run: Run, evidence: Evidence, language: Language) -> str:
    """The whole page."""

    def say(message: str, /, **values: object) -> str:
        return translate(message, language, **values)

    drawn = draw_map(run, language)
    return render_template(
        "patrol.html", language, card=run.card, tally=run.tally, failed=run.failed,
        made_at=run.made_at.strftime("%Y-%m-%d %H:%M %z"),
        map=Markup(drawn) if drawn else None,
        leads=[_lead(each, evidence, run, language) for each in run.leads],
        conditions=_conditions(run, language), outings=_outings(run, language),
        patrols=_patrols(run, language), classes=class_rows(run.tally, run.card, language),
        coverage=_coverage(run, language),
        refused=[
            {
                "name": each.shot.result.name,
                "outcome": _word(each.outcome, language),
                "reason": fault.say(language),
            }
            for each in run.frames
            if (fault := each.shot.fault)
        ],
        counted=[
            (_word(outcome, language), count) for outcome, count in run.tally.outcomes.most_common()
        ],
        faults=[(_word(fault, language), count) for fault, count in run.tally.faults.most_common()],
        zones=[
            {"name": each.name, "used": each.used, "says": each.say(language)}
            for each in (*run.ground.zone_reports, *run.ground.area_reports)
            if each.outcome != "accepted"
        ],
        kinds=_kinds(run, language),
        not_leads=_not_leads(run, language), masked=run.judgement.masked,
        masked_frames=run.tally.outcomes["masked"], unplaced=run.unplaced,
        nowhere=sum(each.candidate.place.lon is None for each in run.leads),
    )  # fmt: skip


def _lead(lead: Lead, evidence: Evidence, run: Run, language: Language) -> Row:
    candidate, taxonomy = lead.candidate, default_taxonomy()
    place, findings = candidate.place, (*candidate.findings, *candidate.evidence.pair_findings)
    ellipse = None if place.lon is None else ellipse_95(place.covariance_m2)
    seen = sorted(t for each in place.sightings for t in (each.first_seen, each.last_seen) if t)
    located = {each.located_by for each in place.sightings}
    return {
        "number": lead.number,
        "colour": colour_of(lead),
        "label": taxonomy[candidate.class_name].label(language),
        "condition": taxonomy.conditions[candidate.condition].label(language),
        "severity": candidate.severity.level,
        "severity_label": translate(candidate.severity.level, language),
        "why_severe": [each.say(language) for each in candidate.severity.reasons],
        "gone": lead.state == "gone",
        "second_look": candidate.needs_second_look,
        "score": candidate.score,
        "place": f"{place.lat:.6f}, {place.lon:.6f}" if ellipse else "",
        "ellipse": tuple(round(each, 1) for each in ellipse) if ellipse else None,
        "at_camera": "ground" not in located and place.lon is not None,
        "area": candidate.area,
        "proposal": _proposal(candidate.proposal, language),
        "alternatives": [_proposal(each, language) for each in candidate.alternatives],
        "first_seen": seen[0].strftime("%Y-%m-%d %H:%M:%S") if seen else "",
        "last_seen": seen[-1].strftime("%Y-%m-%d %H:%M:%S") if seen else "",
        "passes": len({each.patrol_id for each in place.sightings}),
        "frames": len({glimpse.frame_id for each in place.sightings for glimpse in each.glimpses}),
        "findings": [
            _finding(each, language) for state in STATES for each in findings if each.state == state
        ],
        "duplicates": [other.number for other in run.leads if other.candidate.id in candidate.duplicates],
        "rechecks": [
            {
                "when": row["at"][:16].replace("T", " "),
                "outcome": _word(row["outcome"], language),
                "gone": f"{row['gone']:.0%}",
                "covered": f"{row['covered']:.0%}",
            }
            for row in lead.rechecks
        ],
        "pictures": _thumbnails(lead, evidence),
        "missing_pictures": not evidence.thumbnails.get(lead.number),
        "files": evidence.files.get(lead.number, {}),
    }


def _thumbnails(lead: Lead, evidence: Evidence) -> dict[str, str]:
    """Panorama, close-up and pair, no picture twice."""
    small: Mapping[str, bytes] = evidence.thumbnails.get(lead.number, {})
    if lead.number > MAX_PICTURED:
        return {}
    panorama = lead.candidate.evidence.panorama
    return {
        role: base64.b64encode(small[role]).decode()
        for role, picture in roles_of(lead)
        if role in small
        and not (role.startswith("pair") and panorama and picture.glimpse is panorama.glimpse)
    }


def _word(code: str, language: Language) -> str:
    """A reason code as a word."""
    return translate(code, language).replace("_", " ")


def _finding(finding: Finding, language: Language) -> Row:
    return {"state": finding.state, "mark": MARKS[finding.state], "says": finding.say(language)}


def _proposal(proposal: Proposal, language: Language) -> Row:
    code = proposal.code
    return {
        "label": proposal.sub_type.label(language),
        "code": f"{code.scheme} {code.kind} {code.code}" if code else None,
        "component": f"{proposal.component.kind} {proposal.component.code} {proposal.component.name}"
        if proposal.component
        else None,
    }


def _conditions(run: Run, language: Language) -> list[Row]:
    """How many leads of each condition, and how grave."""
    taxonomy = default_taxonomy()
    rows = []
    for name, condition in taxonomy.conditions.items():
        own = [each for each in run.leads if each.candidate.condition == name]
        if own:
            levels = Counter(each.candidate.severity.level for each in own)
            rows.append(
                {
                    "label": condition.label(language), "colour": condition.colour, "count": len(own),
                    "levels": [levels[level] for level in ("high", "medium", "low")],
                    "gone": sum(each.state == "gone" for each in own),
                }
            )  # fmt: skip
    return rows


def _outings(run: Run, language: Language) -> list[Row]:
    """What posing said of each outing: track, clock, problems."""
    rows = []
    for outing in run.outings:
        file = outing.track_file
        told = [each for each in run.posed if each.outing is outing]
        rows.append(
            {
                "path": outing.path,
                "device": outing.profile.device,
                "camera_known": outing.profile.camera is not None,
                "track": str(file.path) if file else None,
                "found": bool(file and file.found),
                "fault": file.fault.say(language) if file and file.fault else None,
                "dropped": [
                    (_word(name, language), count)
                    for name, count in (file.track.dropped.items() if file and file.track else ())
                ],
                "says": [one.say(language) for each in told for one in each.outcomes],
                "clocks": [_clock(one, language) for each in told for one in each.clocks],
            }
        )
    return rows


CLOCKS = {
    "profile": "clock {offset_s} s off, by the device profile",
    "gps_time": "clock {offset_s} s off, ±{sigma_s} s, by the receiver's time in {frames} photos",
    "track": "clock {offset_s} s off, ±{sigma_s} s, by the track and {frames} photos",
    "assumed": "clock taken to be right, ±{sigma_s} s",
}


def _clock(clock: ClockEstimate, language: Language) -> str:
    said = translate(
        CLOCKS[clock.method], language, offset_s=f"{clock.offset_s:+.1f}", sigma_s=f"{clock.sigma_s:.1f}",
        frames=clock.frames_used,
    )  # fmt: skip
    return f"{said} ({_word(clock.refusal, language)})" if clock.refusal else said


def _patrols(run: Run, language: Language) -> list[Row]:
    rows = []
    for patrol in run.patrols:
        times = sorted(each.pose.taken_at for each in patrol.frames if each.pose and each.pose.taken_at)
        rows.append(
            {
                "id": patrol.id,
                "began": times[0].strftime("%Y-%m-%d %H:%M") if times else "",
                "minutes": round((times[-1] - times[0]).total_seconds() / 60, 1) if times else None,
                "frames": len(patrol.frames),
                "sightings": len(patrol.sightings),
                "problems": [
                    (_word(name, language), count)
                    for name, count in pose_problems(patrol.frames).most_common()
                ],
            }
        )
    return rows


def _coverage(run: Run, language: Language) -> list[Row]:
    return [
        {
            "area": name,
            "day": measure.day.isoformat() if measure.day else None,
            "driven_m": round(measure.driven_m),
            "driven_seen_m": round(measure.driven_seen_m),
            "seen_m2": round(measure.seen_m2),
            "passed_m2": round(measure.passed_m2),
            "not_seen_m2": None if measure.not_seen_m2 is None else round(measure.not_seen_m2),
            "frames": measure.frames,
            "refused": [(_word(reason, language), count) for reason, count in measure.refused.items()],
        }
        for name, measure in measures(run)
    ]


def _kinds(run: Run, language: Language) -> list[Row]:
    """Kinds of zones that are on the map, for its legend."""
    counts = Counter(each.kind for each in run.ground.zones.zones)
    return [
        {"label": run.ground.rules.zone_kinds[kind].label(language), "count": count}
        for kind, count in counts.most_common()
    ]


def _not_leads(run: Run, language: Language) -> list[tuple[str, int]]:
    """Why places are no leads, with one example of the words each."""
    said: dict[str, str] = {}
    for each in run.judgement.not_leads:
        reason = each.reason
        said.setdefault(reason.reason, say_reason(reason.reason, reason.values, language))
    return [(said[reason], count) for reason, count in run.judgement.reasons.items()]
