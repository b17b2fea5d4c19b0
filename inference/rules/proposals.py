"""Which sub-types and codes are offered to the person who decides."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.candidate import Opinion, Proposal
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding
from streetsight.inference.rules.settings import COMPONENT, SubType


def proposals(place: Place, opinion: Opinion, context: Context) -> tuple[Proposal, ...]:
    """The proposed one first, then the others that a person may choose."""
    offered = dict.fromkeys(context.rules.classes.get(place.class_name, (place.class_name,)))
    usual = Finding("code", "met", "by_default")
    first, why = opinion.sub_type or (next(iter(offered)), usual)
    other = Finding("code", "met", "a_person_may_choose")
    return tuple(
        _proposal(name, place, context, why if name == first else other)
        for name in dict.fromkeys((first, *offered))
    )


def _proposal(name: str, place: Place, context: Context, why: Finding) -> Proposal:
    entry, scheme = context.taxonomy[place.class_name], context.rules.scheme
    own = tuple(code for code in entry.codes if code.kind != COMPONENT)
    sub_type = context.rules.sub_types.get(name) or SubType(zh=entry.zh, en=entry.en, codes=own)
    components = [code for code in entry.codes if code.kind == COMPONENT and code.scheme == scheme]
    return Proposal(
        name,
        sub_type,
        next((code for code in sub_type.codes if code.scheme == scheme), None),
        tuple(code for code in sub_type.codes if code.scheme != scheme),
        components[0] if components else None,
        why,
    )
