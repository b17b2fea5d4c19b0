"""Why a photo was chosen: a sentence in the reader's language, with the numbers that led to it."""

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.training.selection.suggestion import Suggestion, Suggestions


def reason(suggestion: Suggestion, answer: Suggestions, language: Language) -> str:
    """The sentence for one suggestion of an answer."""
    pick, name = suggestion.pick, suggestion.class_name
    if name is None:
        message = (
            "unlike anything labelled or suggested before (likeness {likeness}); perhaps something that the "
            "release never finds"
        )
        return translate(message, language, likeness=f"{pick.likeness:.2f}")
    if pick.motive == "rare":
        message = "may show {class_name}, which is rare: {evidence}; {known}"
    elif pick.motive == "unsure":
        message = "not sure of {class_name}: {evidence}; {known}"
    else:
        message = "probably shows {class_name}: {evidence}; {known}"
    label = default_taxonomy()[name].label(language)
    return translate(
        message,
        language,
        class_name=label,
        evidence=evidence(suggestion, answer, language),
        known=known(suggestion, answer, language),
    )


def evidence(suggestion: Suggestion, answer: Suggestions, language: Language) -> str:
    """What the release saw, and what the labelled photos most like it show."""
    score, threshold = f"{suggestion.best_score:.2f}", f"{suggestion.threshold:.2f}"
    if suggestion.pick.expected is None:
        return translate(
            "best score {score}, threshold {threshold}", language, score=score, threshold=threshold
        )
    return translate(
        "best score {score}, threshold {threshold}; of the labelled photos most like it {share} show it",
        language, score=score, threshold=threshold, share=f"{suggestion.pick.expected:.0%}",
    )  # fmt: skip


def known(suggestion: Suggestion, answer: Suggestions, language: Language) -> str:
    """How much is known of the class that decided."""
    if answer.counted == "photos":
        message = "labelled on {count} photos so far"
    else:
        message = "the release was judged on {count} boxes of it"
    return translate(message, language, count=suggestion.known)
