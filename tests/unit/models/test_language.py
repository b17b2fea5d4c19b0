"""Which language is spoken, and that every message has its Chinese."""

import ast
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import Environment, nodes

from streetsight.inference.quality import Fault
from streetsight.inference.reading import Outcome
from streetsight.inference.video.outcomes import ClipOutcome
from streetsight.models.comparison import Verdict
from streetsight.models.history import Action
from streetsight.models.language import CATALOGUES, SpokenError, chinese, resolve_language, translate

ROOT = Path(__file__).parents[3]
FOLDERS = ("models", "datasets", "inference", "training", "service")
SPEAKERS = {"translate", "say", "_say"}


@cache
def parsed_files() -> dict[Path, ast.Module]:
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def error_classes(trees: list[ast.Module]) -> dict[str, int]:
    """Every class below SpokenError -> which of its arguments is the message."""
    defined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known = {"SpokenError": 0}
    for _ in defined:  # as often as inheritance can be deep
        for node in defined:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in known]
            if bases:
                known[node.name] = _message_position(node, known[bases[0]])
    return known


def _message_position(error: ast.ClassDef, inherited: int) -> int:
    for node in error.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            return names.index("message") - 1  # without self
    return inherited


def spoken_arguments(tree: ast.Module, errors: dict[str, int]) -> Iterator[ast.expr]:
    """The message argument of every call that says something."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "_say":
            name = "_say"
        position = 0 if name in SPEAKERS else errors.get(name)
        if position is not None and len(node.args) > position:
            yield node.args[position]


def literal_names(tree: ast.Module) -> dict[str, set[str]]:
    """Name -> string literals that it is assigned or runs over in a `for`, anywhere in the file."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, values = node.targets, [node.value]
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
            targets, values = [node.target], node.iter.elts
        else:
            continue
        texts = {
            each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        for target in targets:
            if isinstance(target, ast.Name) and texts:
                found.setdefault(target.id, set()).update(texts)
    return found


@cache
def messages_in_code() -> dict[str, str]:
    """Message -> file that says it."""
    trees = parsed_files()
    errors = error_classes(list(trees.values()))
    found: dict[str, str] = {}
    for path, tree in trees.items():
        names = literal_names(tree)
        for argument in spoken_arguments(tree, errors):
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                texts = {argument.value}
            elif isinstance(argument, ast.Name):
                texts = names.get(argument.id, set())
            else:
                texts = set()
            found.update({text: str(path.relative_to(ROOT)) for text in texts})
    return found


@cache
def messages_in_templates() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("templates/*.html")):
        tree = Environment().parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("say", "words"):
                for said in call.args if call.node.name == "words" else call.args[:1]:
                    assert isinstance(said, nodes.Const), f"{path}: {call.node.name}() of something computed"
                    found[said.value] = path.name
    return found


def codes() -> dict[str, str]:
    kinds = (Outcome, ClipOutcome, Fault, Action, Verdict)
    words = ("accepted", *(word for kind in kinds for word in get_args(kind)))
    return dict.fromkeys(words, "Outcome, ClipOutcome, Fault, Action or Verdict")


def field_names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_message_has_its_chinese() -> None:
    said = {**messages_in_code(), **messages_in_templates(), **codes()}
    missing = {text: where for text, where in said.items() if text not in chinese()}
    assert not missing


@pytest.mark.parametrize(
    ("beginning", "file"),
    [
        ("the picture ends too early", "inference/reading.py"),  # by a constant
        ("{path}: no photos in this folder", "inference/sources.py"),  # by a variable
        ("the file is empty (0 bytes)", "inference/reading.py"),  # PhotoError's second argument
        ("no release named {name}", "models/releases.py"),
        ("not scorable: {reasons}", "inference/drawing.py"),
        ("detections", "inference/console.py"),  # by a loop
    ],
)
def test_messages_are_found_where_they_are_said(beginning: str, file: str) -> None:
    assert [where for text, where in messages_in_code().items() if text.startswith(beginning)] == [file]


def test_messages_of_templates_are_found() -> None:
    assert messages_in_templates()["Streetsight report"] == "report.html"


def test_no_message_is_put_together_before_it_is_translated() -> None:
    trees = parsed_files()
    errors = error_classes(list(trees.values()))
    computed = [
        f"{path.relative_to(ROOT)}:{argument.lineno}"
        for path, tree in trees.items()
        for argument in spoken_arguments(tree, errors)
        if isinstance(argument, ast.JoinedStr | ast.BinOp)
    ]
    assert not computed


def test_no_message_is_translated_in_two_files() -> None:
    files = [tomllib.loads(path.read_text(encoding="utf-8")) for path in CATALOGUES.glob("*.zh.toml")]
    assert sum(map(len, files)) == len(chinese())


def test_both_languages_have_the_same_fields() -> None:
    different = [text for text, chinese in chinese().items() if field_names(text) != field_names(chinese)]
    assert not different


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("zh", "zh"), ("zh-CN", "zh"), ("zh_CN", "zh"), ("ZH-Hans", "zh"), ("en", "en"), ("en_GB", "en")],
)
def test_the_wish_counts_first(wanted: str, spoken: str) -> None:
    for locale in ("zh_CN.UTF-8", "en_US.UTF-8"):
        assert resolve_language(wanted, {"LC_ALL": locale, "STREETSIGHT_LANG": locale}) == spoken


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "C"}, "zh"),
        ({"STREETSIGHT_LANG": "zh", "LC_ALL": "C"}, "zh"),
    ],
)
def test_the_environment_counts_next(environment: dict[str, str], spoken: str) -> None:
    assert resolve_language(None, environment) == spoken


def test_a_language_we_do_not_speak_is_refused_in_both() -> None:
    with pytest.raises(SpokenError, match="language 'fr' is not available; choose zh-CN or en") as caught:
        resolve_language("fr")
    assert caught.value.say("zh") == "不支持语言 'fr';可选 zh-CN 或 en"
    assert caught.value.say("en") == str(caught.value)


def test_fields_are_filled_in_both_languages() -> None:
    message = "Results are in {path}"
    assert translate(message, "en", path="out") == "Results are in out"
    assert translate(message, "zh", path="out") == "结果已写入 out"


def test_an_unknown_message_stays_english() -> None:
    assert translate("never written down", "zh") == "never written down"
