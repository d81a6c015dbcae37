# SPDX-License-Identifier: GPL-2.0-or-later
"""Subscriptions: each kind of event, with real packets, by `viaduct events`."""

import json
import select
import subprocess
import time

import netns
from applications import Application, ask_one, check_nothing_left, release
from context import equal, require
from edge import FASTPATH, program

INNER, R1 = "2.2.2.2:2222@inside", "20.20.20.20:2020"
OUTER = "3.3.3.3:3333"
LATE_SECONDS = 4.0      # silence is found up to two seconds late; a loaded machine


class Listener:
    """`viaduct --json events`; what it has printed, line by line."""

    def __init__(self, edge, *words):
        self.process = netns.popen(
            edge.namespace, [program("viaduct"), "-c", edge.config, "--json", "events",
                             *words],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.rest = b""
        self.epoch = self.next("epoch")["epoch"]

    def line(self, seconds):
        """The next object; None: none came in that time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = self.process.stdout.read1(65536)
            require(data, "viaduct events has ended")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def next(self, event, seconds=LATE_SECONDS, **members):
        """The next event, which must be this one."""
        told = self.line(seconds)
        require(told is not None, f"no {event} was told in {seconds} s")
        wanted = {"event": event, **members}
        equal("what was told", {name: told.get(name) for name in wanted}, wanted)
        return told

    def nothing(self, seconds):
        equal("what else was told", self.line(seconds), None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        netns.end(self.process, kill=True)
        self.process.stdout.close()


class Parties:
    """B inside, R outside, and B's endpoint between them."""

    def __init__(self, lab):
        self.lab = lab
        self.b = Application(lab, "b", "2.2.2.2", 2222)
        self.r = Application(lab, "r", "20.20.20.20", 2020)

    def close(self):
        self.b.socket.close()
        self.r.socket.close()

    def talk(self, seconds, outwards=True):
        """Five packets a second inwards, and outwards too."""
        for number in range(int(seconds * 5)):
            self.r.send(OUTER, f"in {number}")
            self.b.gets(f"in {number}", R1)
            if outwards:
                self.b.send(R1, f"out {number}")
                self.r.gets(f"out {number}", OUTER)
            time.sleep(0.2)


def ends(edge):
    with Listener(edge, "--event", "expired", "--event", "released") as listener:
        lease = ask_one(edge, INNER, OUTER, "short", lifetime=1)
        listener.next("expired", lease=lease["id"], group="short", outer=OUTER + "@outside")
        lease = ask_one(edge, INNER, OUTER, "long")
        equal("released", release(edge, "long"), 1)
        listener.next("released", lease=lease["id"], by="owner")
        listener.nothing(0.5)


def silence(edge, parties):
    """Each direction is told apart, over whichever path its packets take."""
    before = edge.paths()
    with Listener(edge, "--event", "silent", "--event", "heard", "--silence", "3",
                  "--group", "quiet") as listener:
        lease = ask_one(edge, INNER, OUTER, "quiet")["id"]
        parties.talk(5)
        listener.nothing(0.1)
        parties.talk(6, outwards=False)
        listener.next("silent", 0.1, lease=lease, direction="out")
        parties.talk(2.5)
        told = listener.next("heard", 0.1, lease=lease, direction="out")
        require(5 <= told["seconds"] <= 9, f"a silence of {told['seconds']} s")
        listener.nothing(0.1)
        both = {listener.next("silent", 3 + LATE_SECONDS, lease=lease)["direction"]
                for _ in range(2)}
        equal("directions that are silent", both, {"in", "out"})
        now = edge.paths()
        kernel = now["kernel"] - before["kernel"]
        require(kernel > 80 if FASTPATH == "yes" else kernel == 0,
                f"{kernel} packets by the kernel")
        equal("released", release(edge, "quiet"), 1)


def latched(edge, parties):
    with Listener(edge, "--event", "latched") as listener:
        lease = ask_one(edge, INNER, OUTER, "latch", latch="20.20.20.0/24")
        parties.r.send(OUTER, "first")
        parties.b.gets("first", R1)
        listener.next("latched", lease=lease["id"], remote=R1 + "@outside")
        equal("released", release(edge, "latch"), 1)


def pool(edge):
    """Nine of ten endpoints are leased, and none again."""
    with Listener(edge, "--event", "pool", "--percent", "80") as listener:
        with edge.channel("natctl") as channel:
            channel.call("ask", group="many", leases=[
                {"inner": f"2.2.2.2:{4000 + i}@inside", "realm": "outside",
                 "request": {"pool": "tiny", "mode": "strict"}} for i in range(9)])
        listener.next("pool", pool="tiny", state="above", percent=80, used=90)
        equal("released", release(edge, "many"), 9)
        listener.next("pool", pool="tiny", state="below", percent=80)


def paged(edge, parties):
    """More flows than one answer holds, by pages of any size, each once."""
    ask_one(edge, INNER, OUTER, "flows")
    others = [Application(parties.lab, "r", "20.20.20.20", 3000 + i) for i in range(120)]
    try:
        for other in others:
            other.send(OUTER, "hello")
            parties.b.gets("hello", other.endpoint)
        wanted = {other.endpoint for other in others} if FASTPATH == "yes" else set()
        for limit in (7, 100, 1000):
            flows, after, more = [], 0, True
            with edge.channel("translator") as channel:
                while more:
                    page = channel.call("flows", after=after, limit=limit)
                    require(len(page["flows"]) <= min(limit, 100), "a page is too long")
                    flows += page["flows"]
                    more = page["more"]
                    after = flows[-1]["id"] if flows else 0
            kernel = [flow["source"].split("@")[0] for flow in flows
                      if flow["path"] == "kernel"]
            equal("flows, each once", sorted(kernel), sorted(wanted))
        done = netns.run(edge.namespace, [program("viaduct"), "-c", edge.config, "--json",
                                          "flows"])
        equal("viaduct flows", len([flow for flow in json.loads(done.stdout)["flows"]
                                    if flow["path"] == "kernel"]), len(wanted))
        equal("released", release(edge, "flows"), 1)
    finally:
        for other in others:
            other.socket.close()


def again(edge):
    """The translator goes and comes; the manager does, and the listener finds
    the new one, whose epoch is that of before."""
    with Listener(edge, "--event", "translator", "--event", "released") as listener:
        edge.kill("translator")
        listener.next("translator", state="down")
        edge.start("translator")
        listener.next("translator", state="up")
        edge.kill("natctl")
        edge.start("natctl")
        end = time.monotonic() + 2 * LATE_SECONDS
        told = None
        while told is None and time.monotonic() < end:
            ask_one(edge, INNER, OUTER, "after")
            equal("released", release(edge, "after"), 1)
            told = listener.line(0.5)
            while told is not None and told["event"] == "translator":
                told = listener.line(0.5)
        require(told is not None, "nothing was told by the new manager")
        equal("what was told", (told["event"], told["group"]), ("released", "after"))


def events(context):
    edge = context.lab.edges["nat"]
    parties = Parties(context.lab)
    try:
        with context.test("expired_and_released", ["C30"]):
            ends(edge)
        with context.test("silent_and_heard", ["C30"]):
            silence(edge, parties)
        with context.test("latched", ["C30"]):
            latched(edge, parties)
        with context.test("flows_by_pages"):
            paged(edge, parties)
        with context.test("pool", ["C30"]):
            pool(edge)
        with context.test("translator_and_manager_again", ["C30"]):
            again(edge)
            check_nothing_left(edge)
    finally:
        parties.close()
