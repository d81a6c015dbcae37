# SPDX-License-Identifier: GPL-2.0-or-later
"""The control channel as other programs use it."""

import select
import subprocess

import netns
from applications import Application, check_checksums, check_nothing_left, release
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
    with context.test("example_serves", ["M6"]):
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
