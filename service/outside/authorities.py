"""Who is in charge, by unit: the codes that national platforms ask for (主管部门), which nobody can guess.

unit,ZGBMDM,ZGBMMC
环卫所,12420100MB1A23456X,武汉市示例区城市管理执法局
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streetsight.service.faults import Invalid

COLUMNS = ("unit", "ZGBMDM", "ZGBMMC")
SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18


class AuthoritiesRefused(Invalid):
    """A table of authorities that cannot be used; the message names its lines."""

    code = "authorities_refused"


@dataclass(frozen=True, slots=True)
class Authority:
    """Attributes: code: unified social credit code (统一社会信用代码); name: of the authority."""

    code: str
    name: str


def read_authorities(path: Path | None) -> Mapping[str, Authority]:
    """Unit -> its authority; nothing without a file.

    Raises:
        AuthoritiesRefused
    """
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AuthoritiesRefused("{path} cannot be read: {reason}", path=path, reason=error) from error
    rows = csv.DictReader(io.StringIO(text))
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise AuthoritiesRefused(
            "{path}: expected a first line with {columns}", path=path, columns=", ".join(COLUMNS)
        )
    found: dict[str, Authority] = {}
    for row in rows:
        unit, code, name = ((row[each] or "").strip() for each in COLUMNS)
        if not unit or not name or not is_credit_code(code):
            raise AuthoritiesRefused(
                "{path}, line {line}: expected a unit, a credit code of 18 characters with a right check "
                "character, and a name; got {unit}, {code}, {name}",
                path=path, line=rows.line_num, unit=unit or "-", code=code or "-", name=name or "-",
            )  # fmt: skip
        found[unit] = Authority(code, name)
    return found


def is_credit_code(code: str) -> bool:
    """Whether it is a unified social credit code by its check character. GB 32100-2015, section 5."""
    if len(code) != LENGTH or any(sign not in SIGNS for sign in code):
        return False
    total = sum(SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:-1]))
    return SIGNS[-total % 31] == code[-1]
