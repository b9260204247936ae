"""What a program sees of where it runs, compared with what is said on the command line, each a case of a JUnit report.

usage: detect.py REPORT.xml NAME=VALUE...   NAME is an expression of sys, os and platform; VALUE its repr
"""

import os
import platform
import sys
from xml.etree import ElementTree


def main(path, *claims):
    suite = ElementTree.Element("testsuite", name="detect")
    failed = 0
    for claim in claims:
        expression, _, expected = claim.partition("=")
        found = repr(eval(expression, {"os": os, "platform": platform, "sys": sys}))
        print(expression, "is", found)
        case = ElementTree.SubElement(suite, "testcase", name=expression)
        if found != expected:
            failed += 1
            ElementTree.SubElement(case, "failure", message=f"{found}, not {expected}")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
