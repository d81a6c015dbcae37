# SPDX-License-Identifier: GPL-2.0-or-later
"""The address manager's services: what can be asked for, and what comes back.
Plain UDP applications; the control channel as any client has it."""

import json
import os
import time

import netns
import rpc
from applications import (Application, ask_one, check_checksums,
                          check_nothing_left, release, seen)
from context import Steps, equal, require
from edge import program
from report import Failed

R1, S1 = "20.20.20.20:2020", "50.50.50.50:5050"
OUTER = "3.3.3.3:3333"
IN_FORCE_SECONDS = 0.1     # generous: what it really takes is in doc/benchmarks.md


def viaduct(edge, *words):
    """The result of a command, as JSON."""
    done = netns.run(edge.namespace, [program("viaduct"), "-c", edge.config, "--json",
                                      *words])
    require(done.returncode == 0, f"viaduct {words[0]}: {done.stderr}")
    return json.loads(done.stdout)


def refusal(action):
    """(code, reason) with which the manager refuses."""
    try:
        answer = action()
    except rpc.RpcError as error:
        return error.code, error.reason
    raise Failed(f"granted: {answer}")


def wish(edge, outer, mode, group, port=2222):
    """Asks for an outer endpoint in words; the lease as granted."""
    lease = {"inner": f"2.2.2.2:{port}@inside", "realm": "outside",
             "request": {"outer": outer, "mode": mode}}
    with edge.channel("natctl") as channel:
        return channel.call("ask", group=group, leases=[lease])["leases"][0]


def pool(edge, name):
    with edge.channel("natctl") as channel:
        pools = channel.call("pools")["pools"]
    return next(entry for entry in pools if entry["name"] == name)


class Services(Steps):
    name = "services"

    def prepare(self):
        self.edge = self.lab.edges["nat"]
        self.lab.take()
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)
        self.r = Application(self.lab, "r", "20.20.20.20", 2020)
        self.s = Application(self.lab, "s", "50.50.50.50", 5050)

    def both_ways(self, outer):
        self.r.send(outer, "in")
        self.b.gets("in", R1)
        self.b.send(R1, "out")
        self.r.gets("out", outer)

    def c4_an_internal_and_an_external_network(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        self.lab.take()
        self.both_ways(OUTER)
        captures = self.lab.take()
        equal("inside packets", len(seen(captures, "inside", R1, "2.2.2.2:2222", "in")), 1)
        equal("outside packets", len(seen(captures, "outside", OUTER, R1, "out")), 1)
        check_checksums(captures)

    def c12_a_plain_pairing_serves_both_directions(self):
        rules = self.edge.rules()
        equal("rules", [(r["inner"], r["outer"], r["kind"], r["conditions"], r["remote"])
                        for r in rules],
              [("2.2.2.2:2222@inside", OUTER + "@outside", "both", [], None)])
        equal("packets in and out", (rules[0]["packets_in"] > 0,
                                     rules[0]["packets_out"] > 0), (True, True))
        self.s.send(OUTER, "anybody")
        self.b.gets("anybody", S1)
        self.b.send(S1, "whoever")
        self.s.gets("whoever", OUTER)

    def m2_a_complex_rule_is_added_while_all_runs(self):
        before = {name: process.pid for name, process in self.edge.processes.items()}
        other = Application(self.lab, "b", "2.2.2.2", 1111)
        ask_one(self.edge, "2.2.2.2:2300@inside", "3.3.3.2:3400", self.name, conditions=[
            {"source": "20.20.20.20/32", "ports": "2000-2100",
             "target": "2.2.2.2:1111@inside"},
            {"source": "50.50.0.0/16", "discard": True},
            {"source": "0.0.0.0/0"}])
        self.r.send("3.3.3.2:3400", "by condition")
        other.gets("by condition", R1)
        self.s.send("3.3.3.2:3400", "to be discarded")
        other.hears_nothing()
        other.socket.close()
        self.both_ways(OUTER)
        equal("processes", {name: process.pid for name, process in
                            self.edge.processes.items()}, before)
        require(not self.edge.alive(), "a daemon ended")

    def m5_every_request_has_a_status_and_rules_can_be_listed(self):
        with self.edge.channel("natctl") as channel:
            leases = channel.all("list", "leases", group=self.name)
            equal("leases of the group", [lease["outer"] for lease in leases],
                  [OUTER + "@outside", "3.3.3.2:3400@outside"])
            equal("refreshed", channel.call("refresh", group=self.name,
                                            lifetime=60)["refreshed"], 2)
            for code, method, params in (
                    (-32005, "release", {"group": "nobody-has-this"}),
                    (-32008, "ask", {"group": "g", "leases": [
                        {"inner": "2.2.2.2:9@inside", "realm": "moon"}]}),
                    (-32602, "ask", {"group": "g"}), (-32601, "grant", {})):
                got, reason = refusal(lambda m=method, p=params: channel.call(m, **p))
                equal(f"status of {method}", got, code)
                require(reason, f"{method} {code}: no reason is told")
            released = channel.call("release", group=self.name)["released"]
        equal("released", released, 2)

    def m1_a_terminating_endpoint_receives_and_answers(self):
        lease = ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name,
                        kind="terminating")
        equal("pair", (lease["inner"], lease["outer"]),
              ("2.2.2.2:2222@inside", OUTER + "@outside"))
        self.both_ways(OUTER)
        release(self.edge, self.name)

    def m1_an_originating_endpoint_sends_and_is_answered(self):
        lease = ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name,
                        kind="originating")
        equal("kind", lease["kind"], "originating")
        self.b.send(S1, "out")
        self.s.gets("out", OUTER)
        self.s.send(OUTER, "in")
        self.b.gets("in", S1)
        release(self.edge, self.name)

    def m3_one_address_as_asked(self):
        lease = wish(self.edge, "3.3.3.2", "strict", self.name)
        require(lease["outer"].startswith("3.3.3.2:"), f"not 3.3.3.2: {lease['outer']}")
        equal("preferred", lease["preferred"], True)
        self.both_ways(lease["outer"].split("@")[0])
        release(self.edge, self.name)

    def m3_one_address_and_port_as_asked(self):
        lease = wish(self.edge, OUTER, "strict", self.name)
        equal("granted", (lease["outer"], lease["preferred"]), (OUTER + "@outside", True))
        self.both_ways(OUTER)

    def m3_what_is_taken_is_another_one_when_preferred(self):
        lease = wish(self.edge, OUTER, "preferred", self.name, port=2300)
        require(lease["outer"] != OUTER + "@outside", "one endpoint was given twice")
        equal("preferred", lease["preferred"], False)

    def m3_what_is_taken_is_refused_when_strict(self):
        code, reason = refusal(lambda: wish(self.edge, OUTER, "strict", self.name, 2301))
        equal("code", code, -32002)
        require("taken" in reason, f"the reason is {reason!r}")
        release(self.edge, self.name)

    def m3_inside_a_range_as_asked(self):
        for number in range(20):
            lease = wish(self.edge, "3.3.3.2/31:3100-3119", "strict", self.name,
                         2400 + number)
            address, port = lease["outer"].split("@")[0].split(":")
            require(address in ("3.3.3.2", "3.3.3.3") and 3100 <= int(port) <= 3119,
                    f"outside the range: {lease['outer']}")
        release(self.edge, self.name)

    def c6_only_endpoints_of_the_pool_are_given(self):
        leases = [{"inner": f"2.2.2.2:{5000 + n}@inside", "realm": "outside"}
                  for n in range(64)]
        with self.edge.channel("natctl") as channel:
            granted = channel.call("ask", group=self.name, leases=leases)["leases"]
        for lease in granted:
            address, port = lease["outer"].split("@")[0].split(":")
            require(address in ("3.3.3.0", "3.3.3.1", "3.3.3.2", "3.3.3.3")
                    and 3000 <= int(port) <= 4999, f"not of the pool: {lease['outer']}")
        for outer in ("3.3.3.4:3333", "3.3.3.3:2999", "20.20.20.20:2020"):
            equal(f"strictly {outer}", refusal(
                lambda o=outer: wish(self.edge, o, "strict", "no"))[0], -32002)
        release(self.edge, self.name)

    def c11_the_rule_is_in_the_translator_when_the_answer_is_read(self):
        longest = 0.0
        with self.edge.channel("translator") as translator, \
                self.edge.channel("natctl") as manager:
            for number in range(100):
                lease = {"inner": f"2.2.2.2:{6000 + number}@inside", "realm": "outside"}
                begin = time.monotonic()
                manager.call("ask", group=f"c11-{number}", leases=[lease])
                rules = translator.call("rules", group=f"c11-{number}")["rules"]
                longest = max(longest, time.monotonic() - begin)
                equal("rules", [rule["inner"] for rule in rules], [lease["inner"]])
                equal("released", manager.call("release", group=f"c11-{number}"),
                      {"released": 1})
        require(longest < IN_FORCE_SECONDS, f"it took {longest:.3f} s")

    def c30_a_command_asks_receives_and_passes_on(self):
        lease = viaduct(self.edge, "ask", "--group", self.name, "--inner",
                        "2.2.2.2:2222@inside", "--realm", "outside")["leases"][0]
        outer = lease["outer"].split("@")[0]
        self.b.send(R1, f"reach me at {outer}")
        text, _ = self.r.receive()
        self.both_ways(text.rsplit(" ", 1)[1])
        equal("released", viaduct(self.edge, "release", "--group", self.name)["released"], 1)

    def finish(self):
        for application in (self.b, self.r, self.s):
            application.socket.close()
        check_nothing_left(self.edge)
        captures = self.lab.take()
        check_checksums(captures)
        self.context.check_no_leak(captures)


def recovered(context):
    """M7: expired, released, or of an owner that is gone: what was leased can
    be had again after the hold-down, and the account closes."""
    edge = context.lab.edges["nat"]
    lease = {"inner": "2.2.2.2:2222@inside", "realm": "outside",
             "request": {"outer": OUTER, "mode": "strict"}}
    for name, ends in (("expired", expire), ("released", give_back),
                       ("owner_gone", leave)):
        with context.test(f"recovered/{name}", ["M7"]):
            await_closed(edge)
            ends(edge, lease)
            netns.wait_until("the lease has ended",
                             lambda: not edge.leases() and not edge.rules(), timeout=4)
            after = pool(edge, "outside")
            equal("leased and held after", (after["leased"], after["held"]), (0, 1))
            await_closed(edge)
            other = {**lease, "inner": "1.1.1.1:1111@inside"}
            ask(edge, other, 60)
            equal("released", release(edge, "m7"), 1)
            await_closed(edge)


def await_closed(edge):
    """Every endpoint of the pool is free again."""
    def closed():
        entry = pool(edge, "outside")
        return entry["free"] == entry["endpoints"] and not entry["leased"] + entry["held"]
    try:
        netns.wait_until("the account closes", closed, timeout=4)
    except netns.LabError as error:
        raise Failed(f"{error}: {pool(edge, 'outside')}") from None


def ask(edge, lease, lifetime):
    with edge.channel("natctl") as channel:
        channel.call("ask", group="m7", lifetime=lifetime, leases=[lease])


def expire(edge, lease):
    ask(edge, lease, 1)
    require(edge.rules(), "no rule was made")


def give_back(edge, lease):
    ask(edge, lease, 60)
    equal("released", release(edge, "m7"), 1)


def leave(edge, lease):
    """A process asks and is killed: the lease stays until its lifetime ends."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with edge.channel("natctl") as channel:
                channel.call("ask", group="m7", lifetime=1, leases=[lease])
                os.write(write, b"asked")
                time.sleep(10)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        words = pipe.read(5)
    os.kill(child, 9)
    os.waitpid(child, 0)
    equal("the owner's ask", words, b"asked")
    equal("leases without their owner", len(edge.leases()), 1)


def whole_address(context, count):
    """M8: one outer address serves more than 60 000 rules, each its own way."""
    lab, count = context.lab, int(count)
    edge = lab.edges["nat"]
    with context.test(f"{count}_rules_on_one_address", ["M8"]):
        require(count > 60000, "not enough to show it")
        with edge.channel("natctl") as channel:
            for first in range(0, count, 60):
                channel.call("ask", group=f"m8-{first // 960}", lifetime=600, leases=[
                    {"inner": f"2.2.2.2:{1024 + number}@inside", "realm": "outside",
                     "request": {"outer": f"4.4.4.4:{1024 + number}", "mode": "strict"}}
                    for number in range(first, min(first + 60, count))])
        with edge.channel("translator") as channel:
            equal("rules of the translator", channel.call("status")["rules"], count)
        equal("leased of the pool", pool(edge, "whole")["leased"], count)
        lab.take()
        r = Application(lab, "r", "20.20.20.20", 2020)
        for port in range(1024, 1024 + count, 4000):
            b = Application(lab, "b", "2.2.2.2", port)
            r.send(f"4.4.4.4:{port}", f"in {port}")
            b.gets(f"in {port}", R1)
            b.send(R1, f"out {port}")
            r.gets(f"out {port}", f"4.4.4.4:{port}")
            b.socket.close()
        r.socket.close()
        for group in range((count + 959) // 960):
            release(edge, f"m8-{group}")
        check_nothing_left(edge)
        captures = lab.take()
        check_checksums(captures)
        context.check_no_leak(captures)
