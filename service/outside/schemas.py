"""The JSON Schemas of the contract, as files that anybody's validator reads.

python -m streetsight.service.outside.schemas    # writes them anew, after a change of the contract
"""

import json
from pathlib import Path

from streetsight.service.faults import NotFound
from streetsight.service.outside.contract import SHAPES, schema_of

FOLDER = Path(__file__).with_name("static")


class NoSchema(NotFound):
    """A schema that is none of the contract's."""

    code = "no_schema"


def schema_names() -> list[str]:
    """Names of the schemas, as `issue.v1.json`."""
    return [f"{name}.v1.json" for name in SHAPES]


def schema_text(name: str) -> str:
    """The file of this name. Raises NoSchema."""
    if name not in schema_names():
        raise NoSchema("there is no schema {name}; there are {names}", name=name[:60],
                       names=", ".join(schema_names()))  # fmt: skip
    return (FOLDER / name).read_text(encoding="utf-8")


def written(name: str) -> str:
    """What the file of a shape has to say."""
    return json.dumps(schema_of(name), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    for each in SHAPES:
        (FOLDER / f"{each}.v1.json").write_text(written(each), encoding="utf-8")
