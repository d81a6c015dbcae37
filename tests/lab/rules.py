# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules do beyond plain pairs: conditions, kinds, and that a grant means
that the rule is in force. Plain UDP applications on the interchange lab."""

import os
import socket

import netns
import rpc
from applications import (Application, ask_one, check_checksums,
                          check_nothing_left, pairs, release)
from context import Steps, equal, require
from report import Failed

OUTER = "3.3.3.3:3333"


class Rules(Steps):
    def prepare(self):
        self.edge = self.lab.edges["nat"]
        self.lab.take()
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)
        self.other = Application(self.lab, "b", "2.2.2.2", 1111)
        self.r = Application(self.lab, "r", "20.20.20.20", 2020)
        self.s = Application(self.lab, "s", "50.50.50.50", 5050)

    def rule(self):
        rules = [rule for rule in self.edge.rules() if rule["outer"] == OUTER + "@outside"]
        equal("rules of the endpoint", len(rules), 1)
        return rules[0]

    def tighten(self, **change):
        with self.edge.channel("natctl") as channel:
            answer = channel.call("tighten", changes=[{"lease": self.lease["id"], **change}])
        equal("changed", answer["changed"], 1)

    def finish(self):
        release(self.edge, self.name)
        for application in (self.b, self.other, self.r, self.s):
            application.socket.close()
        check_nothing_left(self.edge)
        captures = self.lab.take()
        check_checksums(captures)
        self.context.check_no_leak(captures)


class Conditions(Rules):
    """Rules that apply to some sources only."""
    name = "conditions"

    def c7_another_source_is_discarded_and_counted(self):
        self.lease = ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name,
                             conditions=[{"source": "20.20.20.20/32"}])
        self.r.send(OUTER, "from R")
        self.b.gets("from R", "20.20.20.20:2020")
        before = self.rule()["discarded"]
        self.s.send(OUTER, "from S")
        self.b.hears_nothing()
        equal("discarded by the rule", self.rule()["discarded"], before + 1)

    def c8_the_source_chooses_the_inner_port(self):
        self.tighten(conditions=[
            {"source": "20.20.20.20/32"},
            {"source": "0.0.0.0/0", "target": "2.2.2.2:1111@inside"}])
        self.r.send(OUTER, "from R")
        self.b.gets("from R", "20.20.20.20:2020")
        self.s.send(OUTER, "from S")
        self.other.gets("from S", "50.50.50.50:5050")

    def m2a_a_condition_on_the_port_alone(self):
        self.tighten(conditions=[{"source": "0.0.0.0/0", "ports": "5000-5100"}])
        self.r.send(OUTER, "port 2020")
        self.s.send(OUTER, "port 5050")
        self.b.gets("port 5050", "50.50.50.50:5050")
        self.b.hears_nothing()

    def m2b_a_prefix_and_a_discard_within_it(self):
        self.tighten(conditions=[
            {"source": "20.20.0.0/16", "discard": True},
            {"source": "0.0.0.0/0"}])
        self.r.send(OUTER, "from R")
        self.s.send(OUTER, "from S")
        self.b.gets("from S", "50.50.50.50:5050")
        self.b.hears_nothing()

    def m2d_partly_overlapping_ranges_are_refused(self):
        try:
            self.tighten(conditions=[
                {"source": "0.0.0.0/0", "ports": "1000-3000"},
                {"source": "0.0.0.0/0", "ports": "2000-4000", "discard": True}])
        except rpc.RpcError as error:
            equal("error code", error.code, -32007)
        else:
            raise Failed("overlapping conditions were taken")
        self.s.send(OUTER, "still the old conditions")
        self.b.gets("still the old conditions", "50.50.50.50:5050")

    def c23_tightening_leaves_no_gap(self):
        """Packets from R flow on while the rule goes from any source to R's
        and back, many times: not one is lost."""
        wide, narrow = [{"source": "0.0.0.0/0"}], [{"source": "20.20.20.20/32"}]
        self.tighten(conditions=wide)
        for number in range(100):
            self.r.send(OUTER, f"before {number}")
            self.tighten(conditions=narrow if number % 2 else wide)
            self.r.send(OUTER, f"after {number}")
        for number in range(100):
            self.b.gets(f"before {number}", "20.20.20.20:2020")
            self.b.gets(f"after {number}", "20.20.20.20:2020")


class Kinds(Rules):
    """Terminating, originating, both."""
    name = "kinds"

    def c2_terminating_receives_but_does_not_start(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name, kind="terminating")
        self.b.send("20.20.20.20:2020", "nobody asked")
        self.r.hears_nothing()
        self.r.send(OUTER, "question")
        self.b.gets("question", "20.20.20.20:2020")
        self.b.send("20.20.20.20:2020", "answer")
        self.r.gets("answer", OUTER)
        release(self.edge, self.name)

    def c3_originating_is_the_source_and_takes_replies_only(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name, kind="originating")
        self.r.send(OUTER, "unasked")
        self.b.hears_nothing()
        self.b.send("20.20.20.20:2020", "question")
        self.r.gets("question", OUTER)
        self.r.send(OUTER, "answer")
        self.b.gets("answer", "20.20.20.20:2020")
        release(self.edge, self.name)

    def c1_both_starts_on_either_side(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        self.r.send(OUTER, "outside first")
        self.b.gets("outside first", "20.20.20.20:2020")
        self.b.send("50.50.50.50:5050", "inside first")
        self.s.gets("inside first", OUTER)

    def c10_rules_work_while_the_manager_is_stopped(self):
        manager = self.edge.processes["natctl"]
        manager.send_signal(19)              # SIGSTOP
        try:
            self.r.send(OUTER, "no manager")
            self.b.gets("no manager", "20.20.20.20:2020")
        finally:
            manager.send_signal(18)          # SIGCONT


class Packets(Rules):
    """What is not a plain small UDP packet."""
    name = "packets"

    def errors(self, segment):
        """(source, destination, quoted source, quoted destination) of the ICMP
        errors seen on a segment since the last look."""
        self.captures = self.lab.take()
        check_checksums(self.captures)
        self.context.check_no_leak(self.captures)
        return [(p.src, p.dst, p.quoted.source, p.quoted.destination)
                for p in self.captures[segment] if p.quoted]

    def refused(self, application):
        """Waits for the ICMP error to reach the sender's socket."""
        application.socket.settimeout(2)
        try:
            application.socket.recvfrom(100)
        except ConnectionRefusedError:
            return
        except socket.timeout:
            pass
        raise Failed(f"{application.name}: no ICMP error came")

    def icmp1_an_error_from_inside_is_translated_with_its_quote(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        self.b.socket.close()
        self.lab.take()
        self.r.socket.connect(("3.3.3.3", 3333))
        self.r.socket.send(b"nobody is there")
        self.refused(self.r)
        equal("ICMP errors outside", self.errors("outside"),
              [("3.3.3.3", "20.20.20.20", "20.20.20.20:2020", OUTER)])

    def icmp1_an_error_from_outside_is_translated_with_its_quote(self):
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)
        self.b.socket.connect(("20.20.20.20", 2021))
        self.b.socket.send(b"nobody is there")
        self.refused(self.b)
        equal("ICMP errors inside", self.errors("inside"),
              [("20.20.20.20", "2.2.2.2", "2.2.2.2:2222", "20.20.20.20:2021")])
        self.b.socket.close()
        self.r.socket.close()
        self.b = Application(self.lab, "b", "2.2.2.2", 2222)
        self.r = Application(self.lab, "r", "20.20.20.20", 2020)

    def req14_fragmented_datagrams_cross_both_ways(self):
        data = "".join(chr(33 + n % 90) for n in range(4000))
        self.r.send(OUTER, data)
        self.b.gets(data, "20.20.20.20:2020")
        self.b.send("20.20.20.20:2020", data)
        self.r.gets(data, OUTER)
        captures = self.lab.take()
        whole = [p for p in captures["outside"] if len(p.payload) == 4000]
        equal("whole datagrams outside", len(whole), 2)
        check_checksums(captures)

    def ttl1_what_is_about_to_expire_is_discarded_and_counted(self):
        before = self.edge.verdicts()["ttl"]
        first = Application(self.lab, "r", "20.20.20.20", 2022)
        first.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        first.send(OUTER, "at its end")
        self.b.hears_nothing()
        equal("verdict ttl", self.edge.verdicts()["ttl"], before + 1)
        first.socket.close()

    def dscp1_is_kept(self):
        self.r.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
        self.lab.take()
        self.r.send(OUTER, "expedited")
        self.b.gets("expedited", "20.20.20.20:2020")
        seen = [p.raw[1] >> 2 for p in self.lab.take()["inside"]
                if p.kind == "ip" and p.payload == b"expedited"]
        equal("DSCP inside", seen, [46])


class Restarts(Rules):
    """Leases and rules stay in step when a daemon is killed."""
    name = "restarts"

    def r1_a_new_translator_gets_all_rules_again(self):
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        self.edge.kill("translator")
        self.edge.start("translator")
        netns.wait_until("the rule is back", self.edge.rules, timeout=3)
        equal("rules", pairs(self.edge.rules()), pairs(self.edge.leases()))
        self.r.send(OUTER, "after the restart")
        self.b.gets("after the restart", "20.20.20.20:2020")

    def r2_rules_stay_while_the_manager_is_dead(self):
        self.edge.kill("natctl")
        self.r.send(OUTER, "no manager")
        self.b.gets("no manager", "20.20.20.20:2020")
        self.b.send("20.20.20.20:2020", "and back")
        self.r.gets("and back", OUTER)

    def r3_a_new_manager_has_the_leases_of_the_one_before(self):
        before = self.edge.rules()
        self.edge.start("natctl")
        equal("rules", pairs(self.edge.rules()), pairs(before))
        equal("leases", pairs(self.edge.leases()), pairs(before))
        try:
            ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        except rpc.RpcError as error:
            equal("error of an ask for what is leased", error.code, -32002)
        self.r.send(OUTER, "as before")
        self.b.gets("as before", "20.20.20.20:2020")

    def r4_without_its_journal_clients_announce_what_they_had(self):
        """Rules stay for announce_time; one that is announced goes on without
        a gap, one that is not ends."""
        other, epoch = "3.3.3.3:3335", self.epoch()
        ask_one(self.edge, "2.2.2.2:1111@inside", other, "forgotten")
        self.edge.kill("natctl")
        os.unlink(os.path.join(self.edge.folder, "run", "natctl", "journal"))
        self.edge.start("natctl")
        equal("leases", self.edge.leases(), [])
        require(self.epoch() != epoch, "the epoch is the old one")
        self.r.send(other, "not yet announced")
        self.other.gets("not yet announced", "20.20.20.20:2020")
        self.r.send(OUTER, "before")
        ask_one(self.edge, "2.2.2.2:2222@inside", OUTER, self.name)
        self.r.send(OUTER, "after")
        self.b.gets("before", "20.20.20.20:2020")
        self.b.gets("after", "20.20.20.20:2020")
        netns.wait_until("what was not announced has ended",
                         lambda: len(self.edge.rules()) == 1, timeout=4)
        self.r.send(other, "too late")
        self.r.send(OUTER, "goes on")
        self.b.gets("goes on", "20.20.20.20:2020")
        self.other.hears_nothing()

    def epoch(self):
        with self.edge.channel("natctl") as channel:
            return channel.call("status")["epoch"]


def read_your_writes(context, times):
    """C1a: the first packet after the grant arrives, every time; after the
    release none does. Each grant has an endpoint of its own, so that a packet
    sent after one release cannot meet the next grant."""
    lab, times = context.lab, int(times)
    with context.test(f"read_your_writes_{times}_times", ["C1a"]):
        edge = lab.edges["nat"]
        b = Application(lab, "b", "2.2.2.2", 2222)
        r = Application(lab, "r", "20.20.20.20", 2020)
        with edge.channel("natctl") as channel:
            for number in range(times):
                outer = f"3.3.3.3:{3000 + number % 1900}"
                lease = {"inner": "2.2.2.2:2222@inside", "realm": "outside",
                         "ports": 1, "protocol": "udp",
                         "request": {"outer": outer, "mode": "strict"}}
                channel.call("ask", group=f"w{number}", lifetime=60, leases=[lease])
                r.send(outer, f"in force {number}")
                b.gets(f"in force {number}", r.endpoint)
                channel.call("release", group=f"w{number}")
                r.send(outer, f"no longer {number}")
        b.hears_nothing()
        b.socket.close()
        r.socket.close()
        check_nothing_left(edge)
        require(times > 0, "nothing was tried")
    lab.take()
