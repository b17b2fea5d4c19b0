"""zh-CN and en: which one to speak, and the catalogue of messages.

Code writes English; the files of `messages/` have the Chinese of each message under the English one. What is
missing there stays English and is found by a test.
"""

import locale
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from streetsight.models.taxonomy import Language

CATALOGUES = Path(__file__).with_name("messages")


def resolve_language(wanted: str | None = None, environment: Mapping[str, str] = os.environ) -> Language:
    """`wanted` ("zh", "zh-CN", "en", ...) if given, else by the locale of the environment.

    Raises:
        SpokenError: for a language we do not speak.
    """
    if wanted:
        short = wanted.replace("_", "-").lower().split("-")[0]
        if short == "zh":
            return "zh"
        if short == "en":
            return "en"
        raise SpokenError("language {wanted} is not available; choose zh-CN or en", wanted=repr(wanted))
    for name in ("STREETSIGHT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


@runtime_checkable
class Spoken(Protocol):
    """Something that people are told in their language."""

    def say(self, language: Language) -> str:
        """In words."""
        ...


class SpokenError(ValueError):
    """An error for people: `str(error)` is English, `error.say("zh")` Chinese."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message, self.values = message, values

    def __reduce__(self) -> tuple[object, ...]:  # it may come from another process
        return _again, (type(self), self.args, self.__dict__)

    def say(self, language: Language) -> str:
        return translate(self.message, language, **self.values)


def _again(kind: type[SpokenError], arguments: tuple[object, ...], state: dict[str, object]) -> SpokenError:
    """An error as it was before it was pickled."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


def translate(message: str, language: Language, /, **values: object) -> str:
    """The message in this language, with `{name}` fields filled in; what can speak does so in it, too."""
    text = chinese().get(message, message) if language == "zh" else message
    said = {name: each.say(language) if isinstance(each, Spoken) else each for name, each in values.items()}
    return text.format(**said) if values else text


@cache
def chinese() -> dict[str, str]:
    """English message -> Chinese one."""
    return {
        message: chinese
        for path in sorted(CATALOGUES.glob("*.zh.toml"))
        for message, chinese in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }
