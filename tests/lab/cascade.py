# SPDX-License-Identifier: GPL-2.0-or-later
"""X4: two NATs, one behind the other. The inner one's outer endpoint is the
outer one's inner endpoint; each believes that it is the only one."""

from applications import (Application, ask_one, check_checksums,
                          check_nothing_left, release, seen)
from context import equal

INNER, MIDDLE, OUTER = "1.1.1.1:1111", "10.10.10.17:1010", "4.4.4.4:4444"
R1 = "20.20.20.20:2020"


def cascade(context):
    lab = context.lab
    near, far = lab.edges["near"], lab.edges["far"]
    with context.test("X4_only_the_outermost_address_leaves"):
        lab.take()
        a = Application(lab, "a", "1.1.1.1", 1111)
        r = Application(lab, "r", "20.20.20.20", 2020)
        ask_one(near, INNER + "@inside", MIDDLE, "x4", realm="middle")
        ask_one(far, MIDDLE + "@middle", OUTER, "x4")
        a.send(R1, "out")
        r.gets("out", OUTER)
        r.send(OUTER, "in")
        a.gets("in", R1)
        captures = lab.take()
        for segment, place in (("inside", INNER), ("middle", MIDDLE), ("outside", OUTER)):
            equal(f"out on {segment}", len(seen(captures, segment, place, R1, "out")), 1)
            equal(f"in on {segment}", len(seen(captures, segment, R1, place, "in")), 1)
        check_checksums(captures)
        context.check_no_leak(captures)
        for edge in (near, far):
            equal("released", release(edge, "x4"), 1)
            check_nothing_left(edge)
        # Without its rules neither lets anything out.
        a.send(R1, "after the release")
        r.hears_nothing()
        context.check_no_leak(lab.take())
        a.socket.close()
        r.socket.close()
