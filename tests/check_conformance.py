#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of scripts/conformance: what it finds in logs, and what it complains of."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def load():
    path = str(HERE.parent / "scripts" / "conformance")
    loader = importlib.machinery.SourceFileLoader("conformance", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance",
                                                                             loader))
    loader.exec_module(module)
    return module


class Conformance(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.top = pathlib.Path(self.folder.name)
        for name in ("tests", "doc", "build/gcc/tests/natctl"):
            (self.top / name).mkdir(parents=True)
        self.conformance = load()
        self.conformance.TOP = self.top
        self.put("tests/requirements.txt", "## Claims", "C1\tIt works.", "C2\tIt goes on.")
        self.put("tests/requirements-open.txt", "# none")
        self.put("tests/tags.txt", "# none")
        self.put("tests/rfc.txt", "# none")
        self.put("tests/features.txt", "# none")
        self.put("build/gcc/lab-output.log", "PASS v1/C1_works", "PASS v1/calls [C2]")

    def put(self, name, *lines):
        (self.top / name).write_text("".join(line + "\n" for line in lines))

    def run_it(self):
        """The exit code, and the complaints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = self.conformance.main([str(self.top / "build")])
        return code, [line for line in out.getvalue().splitlines()
                      if line.startswith("tests/")]

    def written(self, name="conformance"):
        return (self.top / "doc" / f"{name}.md").read_text()

    def test_each_requirement_has_its_tests(self):
        self.assertEqual(self.run_it(), (0, []))
        self.assertIn("| C1 | It works. | lab/v1/C1_works | passed |", self.written())
        self.assertIn("| C2 | It goes on. | lab/v1/calls | passed |", self.written())

    def test_a_requirement_without_a_test_is_missing(self):
        self.put("build/gcc/lab-output.log", "PASS v1/C1_works")
        self.assertEqual(self.run_it(), (1, ["tests/requirements.txt:3: C2: MISSING: no test"]))
        self.assertIn("| C2 | It goes on. | - | MISSING |", self.written())

    def test_one_that_fails_once_has_failed(self):
        self.put("build/gcc/lab_tun-output.log", "FAIL v1/calls [C2]: no answer")
        code, faults = self.run_it()
        self.assertEqual(code, 1)
        self.assertEqual(faults, ["tests/requirements.txt:3: C2: failed: lab/v1/calls"])

    def test_what_is_said_to_be_open_is_told_with_the_reason(self):
        self.put("build/gcc/lab-output.log", "PASS v1/C1_works")
        self.put("tests/requirements-open.txt", "C2\tnot begun")
        self.assertEqual(self.run_it(), (0, []))
        self.assertIn("MISSING: not begun", self.written())

    def test_what_is_said_to_be_open_has_no_tests(self):
        self.put("tests/requirements-open.txt", "C2\tnot begun", "C9\tnobody asked")
        self.assertEqual(self.run_it()[1],
                         ["tests/requirements-open.txt:1: C2 is said to be open and has tests",
                          "tests/requirements-open.txt:2: there is no requirement C9"])

    def test_tags_name_unit_tests_and_must_find_them(self):
        self.put("build/gcc/lab-output.log", "PASS v1/C1_works")
        self.put("build/gcc/tests/natctl/check_ask.log",
                 "tests/natctl/check_ask.c:10:P:cases:goes_on:0: Passed")
        self.put("tests/tags.txt", "C2\tnatctl/check_ask: goes_*", "C2\tnatctl/check_no: *")
        self.assertEqual(self.run_it()[1],
                         ['tests/tags.txt:2: no test "natctl/check_no: *" ran'])
        self.assertIn("| natctl/check_ask: goes_on | passed |", self.written())

    def test_an_rfc_s_requirement_has_a_test_or_a_reason(self):
        self.put("build/gcc/tests/natctl/check_path.log",
                 "PASS path/rfc4787_req1: one mapping")
        self.put("tests/rfc.txt", "## RFC 4787, UDP", "REQ-1\tOne mapping",
                 "REQ-2\tPairs", "REQ-3\tPorts", "\tnot met on purpose")
        self.assertEqual(self.run_it()[1], ["tests/rfc.txt:3: REQ-2: MISSING: no test"])
        self.assertIn("| REQ-1 | One mapping | path/rfc4787_req1: one mapping | passed |  |",
                      self.written())
        self.assertIn("| REQ-3 | Ports | - | not met | on purpose |", self.written())

    def test_a_feature_has_a_test_or_is_open(self):
        self.put("tests/features.txt", "## 1. Calls", "hold\tAnd back", "\ttest lab/v1/calls",
                 "fork\tInto two", "\topen not yet", "glare\tTwo at once")
        self.assertEqual(self.run_it()[1], ["tests/features.txt:6: glare: MISSING: no test"])
        text = self.written("features")
        self.assertIn("| hold | And back | lab/v1/calls | passed |  |", text)
        self.assertIn("| fork | Into two | - | open | not yet |", text)
        self.assertIn("| glare | Two at once | - | MISSING |  |", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
