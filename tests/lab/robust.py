# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold when things go wrong, or go on for long."""

import threading
import time

import capture
import netns
from applications import pairs
from calls import Pair, finish, first_packets, hang_up, talk
from context import equal, require
from edge import FASTPATH
from report import Failed


def kill(context, daemon):
    """kill -9 of a daemon in a call with media flowing both ways: no inside
    address is seen outside, neither then nor while it is started again; and
    with it back, calls are made again."""
    lab = context.lab
    with Pair(context) as (a, b):
        with context.test(f"kill_{daemon}/no_leak"):
            lab.take()
            talk(a, b)
            first_packets(a, b)
            for phone in (a, b):
                phone.tell("media start")
            time.sleep(0.3)
            for edge in lab.edges.values():
                edge.kill(daemon)
            time.sleep(0.5)
            check_flowing(context)
            for edge in lab.edges.values():
                edge.start(daemon)
            time.sleep(0.5)
            check_flowing(context)
        with context.test(f"kill_{daemon}/media_goes_on"):
            counts = a.received(), b.received()
            a.wait_received(counts[0] + 10)
            b.wait_received(counts[1] + 10)
        for phone in (a, b):
            phone.give_up()
        time.sleep(0.3)
    with context.test(f"kill_{daemon}/next_call"):
        release_all(lab)
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            hang_up(a, b)
        finish(context)


def kill_unnoticed(context, daemon):
    """kill -9 of a daemon in a call, twice, and its restart, cost the call
    nothing: not one packet is lost, and BYE afterwards releases everything."""
    lab = context.lab
    with Pair(context) as (a, b):
        with context.test(f"kill_{daemon}/no_packet_lost", ["R4"]):
            lab.take()
            talk(a, b)
            first_packets(a, b)
            rules = {edge.name: edge.rules() for edge in lab.edges.values()}
            require(all(rules.values()), f"no rules: {rules}")
            for phone in (a, b):
                phone.tell("media start")
            for _ in range(2):
                for edge in lab.edges.values():
                    time.sleep(0.3)
                    edge.kill(daemon)
                    time.sleep(0.3)
                    edge.start(daemon)
            time.sleep(0.3)
            for phone in (a, b):
                phone.tell("media stop")
            time.sleep(0.3)
            for receiver, sender in ((a, b), (b, a)):
                for into, out in zip(receiver.stats(), sender.stats()):
                    label = f"phone {receiver.setup.name}: "
                    require(out["rtp"]["sent"] > 50, f"only {out['rtp']['sent']} RTP sent")
                    equal(label + "RTP received", into["rtp"]["received"], out["rtp"]["sent"])
                    equal(label + "lost", into["rtp"]["lost"], 0)
            for edge in lab.edges.values():
                equal("leases and rules", pairs(edge.leases()), pairs(edge.rules()))
        with context.test(f"kill_{daemon}/bye_releases", ["R4"]):
            hang_up(a, b)
            finish(context)


kill_unnoticed.own_lab = True


def check_flowing(context):
    """Media was sent since the last look, and no address leaked."""
    captures = context.lab.take()
    context.check_no_leak(captures)
    require(any(capture.is_rtp(p) for packets in captures.values() for p in packets),
            "no media was sent meanwhile")


def release_all(lab):
    """Gives back what the interrupted call held, as an administrator would."""
    for edge in lab.edges.values():
        with edge.channel("natctl") as channel:
            for group in {lease["group"] for lease in
                          channel.all("list", "leases")}:
                channel.call("release", group=group)

        def empty(edge=edge):
            return not edge.rules()
        try:
            netns.wait_until("no rule", empty, timeout=3)
        except netns.LabError:
            raise Failed(f"edge {edge.name} keeps {edge.rules()}") from None


def stopped(context):
    """All daemons stopped in order: the guard stays, nothing inside is seen
    outside though the phone goes on sending. What the kernel has been given
    goes on, translated, until the teardown; nothing else passes."""
    lab = context.lab
    with context.test("stopped"):
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            a.tell("media start")
            time.sleep(0.2)
            for edge in lab.edges.values():
                edge.stop()
            lab.take()
            time.sleep(0.4)
            captures = lab.take()
            context.check_no_leak(captures)
            inside = a.setup.segment
            require(any(capture.is_rtp(p) for p in captures[inside]), "no media was sent")
            if FASTPATH == "yes":
                require(passed_media(captures, inside), "a restart would interrupt media")
                for edge in lab.edges.values():
                    edge.teardown()
                lab.take()
                time.sleep(0.2)
                captures = lab.take()
                context.check_no_leak(captures)
            others = passed_media(captures, inside)
            require(not others, f"media passed a stopped edge: {others[:1]}")
        lab.start_edges()


def passed_media(captures, inside):
    return [p for segment, packets in captures.items() if segment != inside
            for p in packets if capture.is_rtp(p)]


class Sender:
    """A phone that never stops sending, whatever the edge does."""

    def __init__(self, lab, node, source, target):
        self.socket = lab.udp(node, *source)
        self.target = target
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def _run(self):
        while not self.done.wait(0.002):
            try:
                self.socket.sendto(b"from inside", self.target)
                self.sent += 1
            except OSError:
                continue                 # an ICMP error for one sent before

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join(2)
        self.socket.close()


def fails_closed(context):
    """While an inside host sends all the time, the edge starts, stops, starts,
    is killed and starts: nothing of it is ever seen outside. Only an explicit
    teardown takes the guard away."""
    lab = context.lab
    edge = lab.edges["e"]

    def tables():
        return netns.run(edge.namespace, ["nft", "list", "tables"]).stdout

    with Sender(lab, "a", ("1.1.1.1", 1234), ("2.2.2.2", 4321)) as sender:
        for name, action in (("start", edge.start_all), ("stop", edge.stop),
                             ("start_again", edge.start_all),
                             ("kill", lambda: [edge.kill(d) for d in edge.node.daemons]),
                             ("start_after_kill", edge.start_all), ("stop_again", edge.stop)):
            with context.test(f"fails_closed/{name}"):
                before = sender.sent
                lab.take()
                action()
                time.sleep(0.2)
                if "start" not in name:
                    edge.processes.clear()
                    require("viaduct" in tables(), f"the guard is gone: {tables()!r}")
                captures = lab.take()
                context.check_no_leak(captures)
                require(any(p.payload == b"from inside" for p in captures["inside"])
                        and sender.sent > before, "nothing was sent meanwhile")
                require(not any(p.payload == b"from inside" for p in captures["outside"]),
                        "a packet without a rule was seen outside")
    with context.test("fails_closed/teardown"):
        edge.teardown()
        require("viaduct" not in tables(), f"left: {tables()!r}")
        left = [link["ifname"] for link in netns.links(edge.namespace)
                if link["ifname"].startswith("viaduct")]
        equal("TUN devices left", left, [])


fails_closed.own_lab = fails_closed.starts_itself = True
stopped.own_lab = kill.own_lab = True


def many_calls(context, times):
    """Calls one after the other leave no lease and no rule; each asks for the
    very endpoint that the last one has just given up."""
    lab, times = context.lab, int(times)
    lab.take()
    with context.test(f"{times}_calls_leave_nothing"):
        with Pair(context, "--auto", "answer") as (a, b):
            for number in range(times):
                a.tell(f"call {b.setup.aor}")
                a.wait("established")
                if number % 100 == 0:
                    first_packets(a, b)
                a.tell("hangup")
                a.wait("ended")
                b.wait("ended")
            established = sum(e["event"] == "established" for e in b.events)
            require(established == times, f"{established} of {times} calls were answered")
        finish(context)


many_calls.own_lab = True
