# SPDX-License-Identifier: GPL-2.0-or-later
"""The control channel over TLS: programs on other hosts are clients."""

import json
import os
import signal

import netns
from applications import (Application, check_checksums, check_nothing_left,
                          pairs, seen)
from context import equal, require
from edge import certificate_files, program

SERVER = "tls://2.2.2.254:7443"


class Host:
    """What a host asks with the command line tool, with a certificate."""

    def __init__(self, context, node, who, server=SERVER):
        self.lab, self.node, self.server = context.lab, node, server
        self.files = certificate_files(context.lab.edges["nat"].folder, who)

    def run(self, *words):
        """(result, what it said on stderr); the result is None when refused."""
        certificate, key, ca = self.files
        done = netns.run(self.lab.namespace(self.node),
                         [program("viaduct"), "--server", self.server, "--cert", certificate,
                          "--key", key, "--ca", ca, "--json", *words])
        return (json.loads(done.stdout) if done.returncode == 0 else None), done.stderr

    def ask(self, group, inner, *more):
        return self.run("ask", "--group", group, "--inner", inner, "--realm", "outside", *more)

    def refused(self, word, group, inner, *more):
        result, said = self.ask(group, inner, *more)
        require(result is None and word in said, f"not {word}: {result} {said!r}")


def remote(context):
    """A host inside asks over TLS for an endpoint of its own, serves on it whoever
    comes from outside, and is bound by the policy of its certificate."""
    lab, edge = context.lab, context.lab.edges["nat"]
    phones, b = "2.2.2.2:2222@inside", Host(context, "b", "phones")
    with context.test("M6_a_host_asks_over_tls_and_serves", ["M6"]):
        lab.take()
        server, client = (Application(lab, "b", "2.2.2.2", 2222),
                          Application(lab, "r", "20.20.20.20", 2020))
        granted, said = b.ask("g", phones, "--outer", "3.3.3.1:3000", "--mode", "strict")
        require(granted, f"refused: {said}")
        outer = granted["leases"][0]["outer"].split("@")[0]
        equal("the owner", edge.leases()[0]["owner"], "client:phones")
        client.send(outer, "who is there")
        server.gets("who is there", client.endpoint)
        server.send(client.endpoint, "b is")
        client.gets("b is", outer)
        captures = lab.take()
        require(seen(captures, "outside", outer, client.endpoint, "b is"),
                "the answer did not come from the outer endpoint")
        check_checksums(captures)
        client.socket.close()
        server.socket.close()
    with context.test("M6_it_is_bound_by_its_policy", ["M6", "M4"]):
        b.refused("NOT_AUTHORIZED", "g", "1.1.1.1:2222@inside")
        b.refused("NOT_AUTHORIZED", "g", phones, "--kind", "originating")
        b.refused("NOT_AUTHORIZED", "g", phones, "--outer", "3.3.3.2:3000")
        b.refused("LIMIT", "g", phones, "--lifetime", "601")
        equal("rules", len(edge.rules()), 1)
    with context.test("M6_others_see_and_change_nothing", ["M6"]):
        games = Host(context, "a", "games")
        equal("the leases of another", games.run("leases")[0]["leases"], [])
        require(games.run("release", "--group", "g")[0] is None, "released another's")
        # The same certificate elsewhere is not that client, and others are nobody.
        for node, who in (("a", "phones"), ("b", "stranger"), ("b", "foreign"),
                          ("b", "expired")):
            result, _ = Host(context, node, who).run("leases")
            require(result is None, f"{who} on host {node} was let in")
        with edge.channel("natctl") as channel:
            guests = channel.call("status")["guests"]
        equal("unknown and failed", (guests["unknown"], guests["failed"]), (2, 2))
    with context.test("M6_a_server_with_a_wrong_name_is_not_asked", ["M6"]):
        result, said = Host(context, "b", "phones", "tls://1.1.1.254:7443").run("pools")
        require(result is None, "asked a server with another's certificate")
        require(said.startswith("viaduct: tls://1.1.1.254:7443: "), said)
    with context.test("M6_leases_outlive_natctl_and_stay_its_own", ["M6", "M7"]):
        before = pairs(edge.leases())
        edge.kill("natctl")
        edge.start("natctl")
        equal("the leases", pairs(edge.leases()), before)
        equal("what is its own", len(b.run("leases")[0]["leases"]), 1)
        released, said = b.run("release", "--group", "g")
        require(released == {"released": 1}, f"{released} {said}")
        check_nothing_left(edge)
    with context.test("M6_certificates_are_read_again", ["M6"]):
        folder = edge.folder
        with open(os.path.join(folder, "wrong-ca.pem"), encoding="utf-8") as more, \
                open(os.path.join(folder, "ca.pem"), "a", encoding="utf-8") as ca:
            ca.write(more.read())
        foreign = Host(context, "b", "foreign")
        require(foreign.run("pools")[0] is None, "known before it was told")
        edge.processes["natctl"].send_signal(signal.SIGHUP)
        netns.wait_until("the new authority is known",
                         lambda: foreign.run("pools")[0] is not None)
