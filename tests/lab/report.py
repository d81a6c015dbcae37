# SPDX-License-Identifier: GPL-2.0-or-later
"""Test results: `PASS name`, `FAIL name: reason`, `N passed, N failed`."""

import contextlib
import os
import sys
import traceback


class Failed(Exception):
    """A test's reason to fail, said in words."""


class NotReached(Failed):
    """A test that cannot be made because the one before it failed."""

    def __init__(self, name):
        super().__init__(f"not reached: {name} failed")


class Report:
    def __init__(self, verbose=False):
        self.passed = 0
        self.failed = 0
        self.unreached = False      # was the last failure a NotReached?
        self.verbose = verbose or bool(os.environ.get("LAB_VERBOSE"))

    def ok(self, name):
        self.passed += 1
        print(f"PASS {name}", flush=True)

    def fail(self, name, reason):
        self.failed += 1
        reason = " ".join(str(reason).split()) or "no reason given"
        print(f"FAIL {name}: {reason[:2000]}", flush=True)

    @contextlib.contextmanager
    def test(self, name):
        """Whatever is raised inside fails the test; Ctrl-C still ends the run."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            raise
        except Failed as failure:
            self.unreached = isinstance(failure, NotReached)
            self.fail(name, failure)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            file = os.path.basename(place.filename)
            text = str(error) or place.line
            self.unreached = False
            self.fail(name, f"{type(error).__name__} at {file}:{place.lineno}: {text}")
            if self.verbose:
                traceback.print_exc(file=sys.stderr)
        else:
            self.ok(name)

    def close(self):
        """Prints the closing line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
