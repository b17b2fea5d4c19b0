"""What went wrong in a run of the tests: failures with their ends, and skips, which are failures here."""

import sys
import xml.etree.ElementTree as tree

LINES = 25

told = [
    f"{kind}: {case.get('classname')}.{case.get('name')}: {each.get('message')}\n"
    + "\n".join((each.text or "").splitlines()[-LINES:])
    for case in tree.parse(sys.argv[1]).iter("testcase")
    for kind in ("failure", "error", "skipped")
    for each in case.iter(kind)
]
if told:
    sys.exit("\n\n".join([*told, f"{len(told)} tests failed or were skipped"]))
