# SPDX-License-Identifier: GPL-2.0-or-later
"""`viaduct explain` foretells what becomes of real packets."""

import json

import netns
from applications import (Application, ask_one, check_checksums,
                          check_nothing_left, release, seen)
from context import equal, require
from edge import program
from report import Failed

REALM_OF = {"a": "inside", "b": "inside", "r": "outside", "s": "outside"}
# Who sends where, and the verdict; in this order, since the fourth one opens
# the way for the fifth.
PACKETS = (("r", 2020, "3.3.3.3:3333", "in"),
           ("s", 5050, "3.3.3.3:3333", "condition"),
           ("s", 5050, "3.3.3.3:3400", "unsolicited"),
           ("b", 1111, "50.50.50.50:5050", "out"),
           ("s", 5050, "3.3.3.3:3400", "in"),
           ("s", 5050, "3.3.3.3:3500", "no_rule"),
           ("a", 1111, "3.3.3.3:3600", "hairpin"),
           ("a", 1200, "50.50.50.50:5050", "no_source"),
           ("a", 1111, "3.3.3.3:3333", "condition"))
ADDRESS_OF = {"a": "1.1.1.1", "b": "2.2.2.2", "r": "20.20.20.20", "s": "50.50.50.50"}


def foretell(edge, source, destination, realm):
    done = netns.run(edge.namespace, [program("viaduct"), "-c", edge.config, "--json",
                                      "explain", "udp", source, destination,
                                      "--from", realm])
    require(done.returncode == 0, f"viaduct explain: {done.stderr}")
    return json.loads(done.stdout)


def explain(context):
    lab = context.lab
    edge = lab.edges["nat"]
    applications = {}
    lab.take()
    for node, port in (("a", 1111), ("a", 1200), ("b", 2222), ("b", 1111), ("b", 3000),
                       ("r", 2020), ("s", 5050)):
        applications[node, port] = Application(lab, node, ADDRESS_OF[node], port)
    ask_one(edge, "2.2.2.2:2222@inside", "3.3.3.3:3333", "explain",
            conditions=[{"source": "20.20.20.20/32"}])
    ask_one(edge, "2.2.2.2:1111@inside", "3.3.3.3:3400", "explain", kind="originating")
    ask_one(edge, "2.2.2.2:3000@inside", "3.3.3.3:3600", "explain")
    ask_one(edge, "1.1.1.1:1111@inside", "4.4.4.4:4444", "explain")
    try:
        for number, (node, port, to, verdict) in enumerate(PACKETS):
            with context.test(f"explain/{number}_{verdict}"):
                application = applications[node, port]
                told = foretell(edge, application.endpoint, to, REALM_OF[node])
                equal("foretold", told["verdict"], verdict)
                check_comes_true(context, edge, application, to, told, f"packet {number}")
    finally:
        for application in applications.values():
            application.socket.close()
        release(edge, "explain")
    check_nothing_left(edge)


def check_comes_true(context, edge, application, to, told, data):
    """Sends the packet: it leaves with the endpoints that were told, or its
    verdict is the only one that was counted."""
    lab = context.lab
    before = edge.verdicts()
    lab.take()
    application.send(to, data)
    if not told["forwarded"]:
        def counted():
            return edge.verdicts()[told["verdict"]] == before[told["verdict"]] + 1
        wait(f"the verdict {told['verdict']} is counted", counted)
        equal("owner of the rule that refuses", [r["owner"] for r in told["rules"]
                                                if r["part"] == "refuses"],
              [0] * (told["verdict"] in ("condition", "unsolicited")))
        captures = lab.take()
        copies = [p for packets in captures.values() for p in packets
                  if p.kind == "ip" and p.payload == data.encode()]
        equal("copies of the packet", len(copies), 1)
        return
    after = told["source_after"], told["destination_after"]
    captures = {}

    def left():
        for segment, packets in lab.take().items():
            captures.setdefault(segment, []).extend(packets)
        return seen(captures, told["to"], *after, data)
    wait(f"{after[0]} > {after[1]} in {told['to']}", left)
    equal("copies of the packet as it left", len(left()), 1)
    check_checksums(captures)


def wait(what, condition):
    try:
        netns.wait_until(what, condition, timeout=2.0)
    except netns.LabError as error:
        raise Failed(str(error)) from None
