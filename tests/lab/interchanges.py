# SPDX-License-Identifier: GPL-2.0-or-later
"""The four interchanges of section III, step by step as printed, with plain
UDP applications: the NAT is useful without any proxy."""

from applications import (Application, ask_as, ask_one, check_checksums,
                          check_nothing_left, pairs, release, seen)
from context import Steps, equal, require

NOBODY = 65534
R1, S1 = "20.20.20.20:2020", "50.50.50.50:5050"
A_OUTER, B_OUTER = "4.4.4.4:4444", "3.3.3.3:3333"


class Interchange(Steps):
    """Applications by their printed names; the manager is asked by A1."""

    def prepare(self):
        self.edge = self.lab.edges["nat"]
        self.captures = {segment: [] for segment in self.lab.taps}
        self.lab.take()
        self.told = None
        self.lease = None

    def look(self):
        """Adds what was captured since the last look."""
        for segment, packets in self.lab.take().items():
            self.captures[segment] += packets
        return self.captures

    def ask(self, inner, outer, group=None, **more):
        self.lease = ask_one(self.edge, inner + "@inside", outer,
                             group or self.name, **more)
        return self.lease["outer"]

    def check_listed(self, inner, outer):
        wanted = (inner + "@inside", outer + "@outside", 1)
        require(wanted in pairs(self.edge.leases()), f"{wanted} is not in natctl's list")
        require(wanted in pairs(self.edge.rules()),
                f"{wanted} is not among the translator's rules")

    def finish(self):
        release(self.edge, self.name)
        captures = self.look()
        for application in vars(self).values():
            if isinstance(application, Application):
                application.socket.close()
        check_nothing_left(self.edge)
        check_checksums(captures)
        self.context.check_no_leak(captures)


class Server(Interchange):
    """Server address/port allocation and discovery."""
    name = "server_interchange"

    def s0_opens_a_micro_server_on_a_port_of_the_systems_choice(self):
        chosen = Application(self.lab, "a", "1.1.1.1", 0)
        outer = self.ask(chosen.endpoint, None, group="s0").split("@")[0]
        self.r1 = Application(self.lab, "r", *R1.split(":")[:1], 2020)
        self.r1.send(outer, "to the chosen port")
        chosen.gets("to the chosen port", R1)
        chosen.socket.close()
        equal("released", release(self.edge, "s0"), 1)
        self.a1 = Application(self.lab, "a", "1.1.1.1", 1111)

    def s1_tells_the_manager_its_endpoint(self):
        self.outer = self.ask(self.a1.endpoint, A_OUTER)
        equal("inner endpoint of the lease", self.lease["inner"], "1.1.1.1:1111@inside")

    def s2_receives_the_outer_endpoint(self):
        equal("outer endpoint", self.outer, A_OUTER + "@outside")
        self.check_listed("1.1.1.1:1111", A_OUTER)

    def s3_tells_r1_in_its_payload(self):
        self.a1.send(R1, f"reach me at {A_OUTER}")
        text, source = self.r1.receive()
        equal("payload", text, f"reach me at {A_OUTER}")
        equal("source that R1 sees", source, A_OUTER)
        self.told = text.rsplit(" ", 1)[1]

    def s4_r1_sends_there_and_it_is_rewritten(self):
        self.r1.send(self.told, "connect")
        self.a1.gets("connect", R1)
        captures = self.look()
        equal("packets outside", len(seen(captures, "outside", R1, A_OUTER, "connect")), 1)
        equal("packets inside",
              len(seen(captures, "inside", R1, "1.1.1.1:1111", "connect")), 1)

    def s5_the_reply_reaches_r1(self):
        self.a1.send(R1, "accepted")
        self.r1.gets("accepted", A_OUTER)
        captures = self.look()
        equal("replies inside",
              len(seen(captures, "inside", "1.1.1.1:1111", R1, "accepted")), 1)
        equal("replies outside", len(seen(captures, "outside", A_OUTER, R1, "accepted")), 1)


class Client(Interchange):
    """Client address/port allocation and discovery."""
    name = "client_interchange"
    DESK = "4.4.4.4:4400"            # where R1 reaches A1 to begin with

    def l1_r1_asks_where_the_connection_will_come_from(self):
        self.r1 = Application(self.lab, "r", "20.20.20.20", 2020)
        self.s1 = Application(self.lab, "s", "50.50.50.50", 5050)
        self.a1 = Application(self.lab, "a", "1.1.1.1", 1111)
        self.desk = Application(self.lab, "a", "1.1.1.1", 1100)
        self.ask(self.desk.endpoint, self.DESK)
        self.r1.send(self.DESK, "where will you come from?")
        self.desk.gets("where will you come from?", R1)

    def l2_a1_tells_the_manager_its_originating_endpoint(self):
        self.outer = self.ask(self.a1.endpoint, A_OUTER, kind="originating")
        equal("kind", self.lease["kind"], "originating")

    def l3_a1_has_the_outer_endpoint_before_any_packet(self):
        equal("outer endpoint", self.outer, A_OUTER + "@outside")
        self.check_listed("1.1.1.1:1111", A_OUTER)
        captures = self.look()
        equal("packets of the flow so far",
              len(seen(captures, "inside", "1.1.1.1:1111", R1)), 0)

    def l4_a1_tells_r1_in_its_payload(self):
        self.desk.send(R1, f"I will come from {A_OUTER}")
        text, source = self.r1.receive()
        equal("source of the words", source, self.DESK)
        self.told = text.rsplit(" ", 1)[1]
        equal("announced", self.told, A_OUTER)

    def l5_a1_sends_the_first_packet(self):
        self.a1.send(R1, "first")
        self.first = self.r1.receive()
        equal("packets inside", len(seen(self.look(), "inside", "1.1.1.1:1111", R1, "first")), 1)

    def l6_the_source_becomes_exactly_the_announced_one(self):
        equal("packets outside", len(seen(self.captures, "outside", A_OUTER, R1, "first")), 1)

    def l7_r1_accepts_it_and_refuses_any_other(self):
        equal("what R1 received", self.first, ("first", self.told))
        self.s1.send(R1, "let me in too")
        text, source = self.r1.receive()
        equal("the stranger's words", text, "let me in too")
        require(source != self.told, "a stranger came from the announced endpoint")
        self.r1.send(self.told, "welcome")
        self.a1.gets("welcome", R1)

    def c3_unsolicited_packets_to_it_are_not_delivered(self):
        self.s1.send(A_OUTER, "unasked")
        self.a1.hears_nothing()


class ServerForAnother(Interchange):
    """Server with separate requestor and server: A1 asks for B1."""
    name = "server_for_another"
    REQUESTOR_OUTER = "4.4.4.4:4400"

    def p1_a1_learns_b1s_endpoint(self):
        self.a1 = Application(self.lab, "a", "1.1.1.1", 1111)
        self.b1 = Application(self.lab, "b", "2.2.2.2", 2222)
        self.r1 = Application(self.lab, "r", "20.20.20.20", 2020)
        self.a1.send(self.b1.endpoint, "where do you listen?")
        self.b1.gets("where do you listen?", self.a1.endpoint)
        self.b1.send(self.a1.endpoint, "2.2.2.2:2222")
        self.learned, _ = self.a1.receive()
        equal("learned", self.learned, "2.2.2.2:2222")

    def p2_a1_asks_for_an_address_that_is_not_its_own(self):
        self.outer = self.ask(self.learned, B_OUTER, kind="terminating")
        equal("inner endpoint", self.lease["inner"], "2.2.2.2:2222@inside")

    def p3_a1_receives_the_outer_endpoint(self):
        equal("outer endpoint", self.outer, B_OUTER + "@outside")
        self.check_listed("2.2.2.2:2222", B_OUTER)

    def p4_a1_tells_r1_in_its_payload(self):
        self.ask(self.a1.endpoint, self.REQUESTOR_OUTER)
        self.a1.send(R1, f"reach B1 at {B_OUTER}")
        text, source = self.r1.receive()
        equal("source of the words", source, self.REQUESTOR_OUTER)
        self.told = text.rsplit(" ", 1)[1]
        equal("told", self.told, B_OUTER)

    def p5_r1_sends_there_and_it_arrives_at_b(self):
        self.r1.send(self.told, "connect")
        self.arrived = self.b1.receive()
        captures = self.look()
        equal("packets outside", len(seen(captures, "outside", R1, B_OUTER, "connect")), 1)
        equal("packets inside",
              len(seen(captures, "inside", R1, "2.2.2.2:2222", "connect")), 1)

    def p6_b1_gets_it_without_having_spoken_to_the_manager(self):
        equal("what B1 received", self.arrived, ("connect", R1))
        owners = {lease["inner"] for lease in self.edge.leases()
                  if lease["group"] == self.name}
        equal("leases of A1's group", owners, {"1.1.1.1:1111@inside", "2.2.2.2:2222@inside"})
        self.b1.send(R1, "accepted")
        self.r1.gets("accepted", B_OUTER)

    def p7_a_requestor_without_the_right_is_refused(self):
        equal("a stranger's ask",
              ask_as(NOBODY, self.edge, "2.2.2.2:2224@inside", "stranger"),
              "error -32003")
        require(not [r for r in self.edge.rules() if r["inner"].startswith("2.2.2.2:2224")],
                "the refused ask made a rule")


class ClientForAnother(Interchange):
    """Client, client/servers separated from negotiating entities: A for B,
    R for S. Runs with S beside R, and with R as the router in front of S."""
    name = "client_for_another"
    DESK = "4.4.4.4:4400"

    def n1_r1_asks_where_b1_will_come_from(self):
        self.r1 = Application(self.lab, "r", "20.20.20.20", 2020)
        self.s1 = Application(self.lab, "s", "50.50.50.50", 5050)
        self.a1 = Application(self.lab, "a", "1.1.1.1", 1100)
        self.b1 = Application(self.lab, "b", "2.2.2.2", 2222)
        self.ask(self.a1.endpoint, self.DESK)
        self.r1.send(self.DESK, "where will B1 come from?")
        self.a1.gets("where will B1 come from?", R1)

    def n2_a1_learns_it_from_b1(self):
        self.a1.send(self.b1.endpoint, "from where will you send?")
        self.b1.gets("from where will you send?", self.a1.endpoint)
        self.b1.send(self.a1.endpoint, "2.2.2.2:2222")
        self.learned, _ = self.a1.receive()
        equal("learned", self.learned, "2.2.2.2:2222")

    def n3_a1_asks_the_manager_for_it(self):
        self.outer = self.ask(self.learned, B_OUTER, kind="originating")
        equal("kind", self.lease["kind"], "originating")

    def n4_a1_receives_the_outer_endpoint(self):
        equal("outer endpoint", self.outer, B_OUTER + "@outside")
        self.check_listed("2.2.2.2:2222", B_OUTER)

    def n5_a1_tells_r1(self):
        self.a1.send(R1, f"B1 comes from {B_OUTER}")
        text, source = self.r1.receive()
        equal("source of the words", source, self.DESK)
        self.told = text.rsplit(" ", 1)[1]
        equal("told", self.told, B_OUTER)

    def n6_r1_tells_s1(self):
        self.r1.send(S1, f"expect {self.told}")
        text, _ = self.s1.receive()
        self.expected = text.rsplit(" ", 1)[1]
        equal("expected", self.expected, B_OUTER)

    def n7_b1_sends_to_s1(self):
        self.b1.send(S1, "first")
        self.first = self.s1.receive()
        captures = self.look()
        equal("packets inside", len(seen(captures, "inside", "2.2.2.2:2222", S1, "first")), 1)

    def n8_the_source_becomes_the_announced_one(self):
        equal("packets outside",
              len(seen(self.captures, "outside", B_OUTER, S1, "first")), 1)

    def n9_s1_receives_it_as_announced(self):
        equal("what S1 received", self.first, ("first", self.expected))
        if "behind_r" in self.lab.taps:
            equal("packets behind R",
                  len(seen(self.captures, "behind_r", B_OUTER, S1, "first")), 1)
        self.s1.send(B_OUTER, "welcome")
        self.b1.gets("welcome", S1)
