"""Imports every module of the standard library, each a case of a JUnit report.

usage: modules.py REPORT.xml
"""

import contextlib
import importlib
import io
import os
import sys
import time
import warnings
from xml.etree import ElementTree

# They do something when they are imported, or are no modules of their own.
LEFT = {"antigravity", "idlelib.idle", "this", "__main__"}
PARTS = ("test", "tests", "idle_test", "__main__", "__phello__")


def names():
    """The names of all modules, built in or in the library's folder."""
    found = set(sys.stdlib_module_names) - LEFT
    library = os.path.dirname(os.__file__)
    for folder, folders, files in os.walk(library):
        below = os.path.relpath(folder, library)
        package = [] if below == "." else below.split(os.sep)
        if not package:
            folders[:] = [one for one in folders if one not in ("site-packages", "lib-dynload")]
        folders[:] = [one for one in folders if one not in PARTS and one.isidentifier()]
        for file in files:
            name, dot, extension = file.partition(".")
            if extension not in ("py", "pyc"):
                continue
            parts = package if name == "__init__" else [*package, name]
            if parts and all(part.isidentifier() and part not in PARTS for part in parts):
                found.add(".".join(parts))
    return sorted(found - LEFT)


def attempt(name):
    """Why a module cannot be imported, or None."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return None


def main(path):
    suite = ElementTree.Element("testsuite", name="modules")
    failed = 0
    for name in names():
        print(name, flush=True)
        begin = time.monotonic()
        why = attempt(name)
        case = ElementTree.SubElement(suite, "testcase", name=name, time=f"{time.monotonic() - begin:.3f}")
        if why is not None:
            failed += 1
            ElementTree.SubElement(case, "failure", message=why)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
