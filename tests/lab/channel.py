# SPDX-License-Identifier: GPL-2.0-or-later
"""The control channel as other programs use it."""

import select
import subprocess

import netns
from applications import (Application, as_user, ask_as, check_checksums,
                          check_nothing_left, release)
from context import equal, require
from edge import program


def line_of(process, timeout=5.0):
    """The next line that a program prints; bounded."""
    ready, _, _ = select.select([process.stdout], [], [], timeout)
    require(ready, f"{process.args[0]} said nothing in {timeout} s")
    return process.stdout.readline().decode().strip()


def example(context):
    """The example program of libnatctl, on a host inside: it gets an endpoint,
    says which, and serves on it whoever comes from outside."""
    lab = context.lab
    edge = lab.edges["nat"]
    with context.test("example_serves", ["C30"]):
        lab.take()
        client = Application(lab, "r", "20.20.20.20", 2020)
        server = lab.popen("b", [program("serve"), edge.socket("natctl"), "2.2.2.2",
                                 "2222", "inside", "outside"],
                           stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            outer = line_of(server).split("@")[0]
            equal("what the server prints, and the lease", outer + "@outside",
                  edge.leases()[0]["outer"])
            for number in range(3):
                client.send(outer, f"echo {number}")
                client.gets(f"echo {number}", outer)
        finally:
            netns.end(server, kill=True)
            server.stdout.close()
            client.socket.close()
        equal("released", release(edge, "serve"), 1)
        check_nothing_left(edge)
        captures = lab.take()
        check_checksums(captures)
        context.check_no_leak(captures)


NOT_AUTHORIZED, LIMIT = "error -32003", "error -32006"
# Per limit: the user of the client section, what is beyond it and how that is
# refused, and what is within it.
LIMITS = [
    ("realm", 2001, {"realm": "outside"}, NOT_AUTHORIZED, None),
    ("kind", 2002, {"kind": "both"}, NOT_AUTHORIZED, {"kind": "terminating"}),
    ("outer", 2003, {"outer": "3.3.3.1:4010"}, NOT_AUTHORIZED, {"outer": "3.3.3.1:4009"}),
    ("pool", 2004, {"request": {"pool": "private"}}, NOT_AUTHORIZED,
     {"request": {"pool": "billing"}}),
    ("number", 2005, {}, LIMIT, {}),
    ("lifetime", 2006, {"lifetime": 61}, LIMIT, {"lifetime": 60}),
    ("third_party", 2007, {}, NOT_AUTHORIZED, None),
    ("no_section", 2008, {}, NOT_AUTHORIZED, None),
]


def limits(context):
    """Each limit of a client section: what is within it is granted, what is
    beyond it is refused and logged, and leaves nothing."""
    edge = context.lab.edges["nat"]
    for name, uid, beyond, error, within in LIMITS:
        with context.test(f"limit_of_{name}", ["M4"]):
            inner, group = "2.2.2.2:2224@inside", f"limit-{name}"
            granted = 0
            if within is not None:
                equal("what is within", ask_as(uid, edge, inner, group, **within), "granted")
                granted = 1
            equal("what is beyond", ask_as(uid, edge, inner, group, **beyond), error)
            equal("rules", len(edge.rules()), granted)
            with open(edge.log("natctl"), encoding="utf-8") as log:
                require(f"uid {uid} " in log.read(), "the refusal is not in the log")
            if granted:
                equal("release", as_user(uid, lambda: release(edge, group), "released"),
                      "released")
            check_nothing_left(edge)
