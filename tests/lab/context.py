# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test is given: the running lab, its case, and where to report."""

import contextlib
import inspect
import re
import socket

import scan
from report import Failed, NotReached


def hidden_from(case, segment):
    """The View of a segment: all that the case names elsewhere is hidden."""
    view = scan.View(segment.name, segment.valid)
    addresses, endpoints = set(), set()
    for node in case.nodes.values():
        addresses |= {address.split("/")[0] for _, address in node.addresses}
    for phone in case.phones.values():
        endpoints.add(phone.media)
    for _, inner, outer, _ports in case.expected("rule"):
        endpoints |= {inner.split("@")[0], outer.split("@")[0]}
    addresses |= {endpoint.rsplit(":", 1)[0].strip("[]") for endpoint in endpoints}
    hidden = {address for address in addresses if not view.allows(address)}
    seen, kept = set(), set()
    for endpoint in endpoints:
        address, port = endpoint.rsplit(":", 1)
        (kept if address.strip("[]") in hidden else seen).update({int(port), int(port) + 1})
    names = {name for other in case.segments.values() if other is not segment
             for name in other.names}
    # SIP software likes to tell the machine's name where it lacks an address.
    machine = socket.gethostname()
    if len(machine) > 3 and machine != "localhost":
        names.add(machine)
    return scan.View(segment.name, segment.valid, hidden, kept - seen,
                     names - set(segment.names))


class Context:
    def __init__(self, report, lab):
        self.report = report
        self.lab = lab
        self.case = lab.case
        self.views = {s.name: hidden_from(lab.case, s)
                      for s in lab.case.segments.values()}

    @contextlib.contextmanager
    def test(self, name, ids=()):
        """One line of the report. A daemon that ended meanwhile fails it; the
        evidence of a failure is kept."""
        full = f"{self.case.name}/{name}" + (f" [{' '.join(ids)}]" if ids else "")
        before = self.report.failed
        with self.report.test(full):
            yield
            words = self.lab.daemon_that_ended()
            if words:
                raise Failed(words)
        if self.report.failed > before and not self.report.unreached:
            print(f"     kept in {self.lab.keep_evidence(self.case.name + '/' + name)}",
                  flush=True)

    def leaks(self, captures):
        found = []
        for segment, packets in captures.items():
            found += scan.scan(self.views[segment], packets)
        return found

    def check_no_leak(self, captures):
        found = self.leaks(captures)
        if found:
            raise Failed(f"{len(found)} leaks: " + "; ".join(found[:5]))


def require(condition, text):
    if not condition:
        raise Failed(text)


def equal(what, seen, wanted):
    require(seen == wanted, f"{what}: {seen!r} instead of {wanted!r}")


class Steps:
    """Steps that build on each other: the methods of a subclass whose names
    are an ID of the requirements (s1, l3_reply ...), in the order written. What
    follows a failed step fails with it."""
    STEP = re.compile(r"([a-z]+\d+[a-z]?)(_\w+)?$")
    name = ""

    def __init__(self, context):
        self.context = context
        self.lab = context.lab
        self.prepare()

    def prepare(self):
        """What has to be there before the first step."""

    def finish(self):
        """Leaves nothing behind; after the last step, whatever happened."""

    @classmethod
    def run(cls, context):
        steps = [(name, method) for name, method in vars(cls).items()
                 if cls.STEP.match(name) and inspect.isfunction(method)]
        failed, self = None, None
        for name, method in steps:
            step, rest = cls.STEP.match(name).groups()
            label = step.upper() + (rest or "")
            before = context.report.failed
            with context.test(f"{cls.name}/{label}"):
                if failed:
                    raise NotReached(failed)
                if self is None:
                    self = cls(context)
                method(self)
            if context.report.failed > before and not failed:
                failed = label
        if self is not None:
            with context.test(f"{cls.name}/leaves_nothing_behind"):
                self.finish()
