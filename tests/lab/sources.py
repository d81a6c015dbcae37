# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may send into a call (C23): the settings source, early and far_nat, on
real calls with a gateway that sends from elsewhere than it announces, a
stranger that injects, and a phone behind a NAT of its own."""

import contextlib
import threading
import time

import netns
import sip
from calls import PACKETS_TO_SETTLE, Pair, finish, hang_up, media_for, ring, talk
from context import equal, require
from edge import FASTPATH, program

GATEWAY = "203.0.113.20"
STRANGER = "203.0.113.200"
HOME = "203.0.113.7"                     # the outer side of A's own NAT
LOSS = 0.01                              # of a stream, at most
# What leaves the gateway's media port leaves from elsewhere.
MOVED = """table ip moved {{
	chain out {{
		type route hook output priority -150;
		udp sport {{ 5000, 5001 }} {what}
	}}
	chain in {{
		type filter hook prerouting priority -300;
		udp dport 7000 udp dport set 5000
		udp dport 7001 udp dport set 5001
	}}
}}
"""
OTHER_PORT = "udp sport set udp sport map { 5000 : 7000, 5001 : 7001 }"
OTHER_ADDRESS = "ip saddr set 203.0.113.21"


@contextlib.contextmanager
def configured(context, outside="", inside=""):
    """The edge with these settings of its realms."""
    edge = context.lab.edges["e"]
    text = edge.node.config
    edge.stop()
    edge.node.config = text.replace("hold_down = 0", f"hold_down = 0 {outside}") \
        .replace("hold_down = 1", f"hold_down = 1 {inside}")
    edge.write_config()
    edge.start_all()
    context.lab.take()
    try:
        yield edge
    finally:
        edge.node.config = text


@contextlib.contextmanager
def moved(context, what):
    """The gateway sends its media from elsewhere."""
    space = context.lab.namespace("g")
    path = context.lab.write("moved", MOVED.format(what=what))
    done = netns.run(space, ["nft", "-f", path])
    require(done.returncode == 0, done.stderr)
    try:
        yield
    finally:
        netns.run(space, ["nft", "delete", "table", "ip", "moved"])


def heard(phone):
    """(RTP, RTCP) packets that were received; none is of another stream."""
    streams = phone.stats()
    for stream in streams:
        equal(f"{phone.name}: corrupt packets", stream["rtp"]["corrupt"], 0)
    return tuple(sum(stream[kind]["received"] for stream in streams)
                 for kind in ("rtp", "rtcp"))


def sent(phone):
    return sum(stream["rtp"]["sent"] for stream in phone.stats())


def both_ways(first, second, warm=0):
    """Audio both ways, but for `warm` packets at the start."""
    for sender, receiver in ((first, second), (second, first)):
        rtp, rtcp = heard(receiver)
        count = sent(sender)
        require(count > 30, f"{sender.name} sent only {count}")
        require(rtp >= (1 - LOSS) * count - warm and rtcp > 0,
                f"{receiver.name} received {rtp} of {count} RTP packets, {rtcp} RTCP")


def gateway_call(context):
    """B calls the gateway; a second of media; what each has received."""
    with Pair(context, caller="b", callee="g") as (b, g):
        talk(b, g)
        media_for((b, g))
        told = {"b": heard(b), "g": heard(g), "verdicts": None}
        counts = sent(b), sent(g)
        told["verdicts"] = context.lab.edges["e"].verdicts()
        hang_up(b, g)
    return told, counts


def expect(told, counts, b_hears, g_hears):
    for name, hears, count in (("b", b_hears, counts[1]), ("g", g_hears, counts[0])):
        rtp, rtcp = told[name]
        require(count > 30, f"only {count} packets were sent to {name}")
        if hears:
            require(rtp >= (1 - LOSS) * count and rtcp > 0,
                    f"{name} received {rtp} of {count}, {rtcp} RTCP")
        else:
            equal(f"packets that {name} received", (rtp, rtcp), (0, 0))


# (name, settings outside, where the gateway sends from, does B hear it?)
SETTINGS = (
    ("address", "", OTHER_PORT, True),
    ("address_is_exact", "", OTHER_ADDRESS, False),
    ("endpoint", "source = endpoint", OTHER_PORT, False),
    ("prefix", "source = prefix source_prefix = 28", OTHER_ADDRESS, True),
    ("any", "source = any", OTHER_ADDRESS, True),
)


def sources(context):
    for name, outside, what, hears in SETTINGS:
        with context.test(f"source_{name}", ["C23"]):
            with configured(context, outside), moved(context, what):
                told, counts = gateway_call(context)
                expect(told, counts, hears, True)
                require(hears or told["verdicts"]["condition"] >= counts[1],
                        f"discarded: {told['verdicts']['condition']} of {counts[1]}")
                finish(context)
    with context.test("source_endpoint_from_there", ["C23"]):
        with configured(context, "source = endpoint"):
            expect(*gateway_call(context), True, True)
            finish(context)
    with context.test("source_latch", ["C23"]):
        with configured(context, "source = latch"), moved(context, OTHER_PORT):
            latched_gateway(context)
            finish(context)
    with context.test("source_prefix_stranger", ["C23"]):
        with configured(context, "source = prefix source_prefix = 28"):
            inject_during(context, passes=False)
            finish(context)
    with context.test("source_any_stranger", ["C23"]):
        with configured(context, "source = any"):
            inject_during(context, passes=True)
            finish(context)
    with context.test("source_keep", ["E6"]):
        with configured(context, inside="source = keep"):
            kept(context)


sources.own_lab = sources.starts_itself = True


def latched_gateway(context):
    """What goes to it goes to where it sends from."""
    with Pair(context, caller="b", callee="g") as (b, g):
        talk(b, g)
        g.tell("media once")
        b.wait_received(1)
        media_for((b, g), 1.6)
        both_ways(b, g, warm=1)
        (lease,) = context.lab.edges["e"].leases()
        equal("latched", lease["latched"], [f"{GATEWAY}:7000", f"{GATEWAY}:7001"])
        hang_up(b, g)


def kept(context):
    """What B sends leaves with B's own address; the answers come to where they
    are announced (slip E6)."""
    lab = context.lab
    with Pair(context, caller="b", callee="g") as (b, g):
        talk(b, g)
        media_for((b, g))
        both_ways(b, g)
        (lease,) = lab.edges["e"].leases()
        hang_up(b, g)
    outer = lease["outer"].split("@")[0]
    packets = lab.take()["outside"]
    flows = {(p.source, p.destination) for p in packets if p.kind == "ip"
             and f"{GATEWAY}:5000" in (p.source, p.destination)}
    equal("media outside", flows, {("10.0.0.5:6000", f"{GATEWAY}:5000"),
                                   (f"{GATEWAY}:5000", outer)})


class Injector:
    """A stranger who sends to an endpoint, from the start to the end of the
    block; then it has counted what came back."""

    def __init__(self, lab, target, address=STRANGER, node="c"):
        self.sock = lab.udp(node, address, 4444)
        host, port = target.split(":")
        self.targets = [(host, int(port)), (host, int(port) + 1)]
        self.sent = 0
        self.bled = 0                    # packets that were sent to it
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.done.is_set():
            for target in self.targets:
                self.sent += 1
                with contextlib.suppress(OSError):
                    self.sock.sendto(b"foreign %d" % self.sent, target)
            time.sleep(0.001)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join(2)
        self.sock.settimeout(0.1)
        with contextlib.suppress(OSError):
            while self.sock.recv(2048):
                self.bled += 1
        self.sock.close()


def foreign(packets):
    return [p for p in packets if p.kind == "ip" and p.payload.startswith(b"foreign ")]


def outer_of(edge):
    (lease,) = edge.leases()
    return lease["outer"].split("@")[0]


def inject_during(context, passes):
    """A stranger sends into a call whose far end is known."""
    lab = context.lab
    with Pair(context, caller="b", callee="g") as (b, g):
        talk(b, g)
        lab.take()
        with Injector(lab, outer_of(lab.edges["e"])) as injector:
            time.sleep(0.3)
        time.sleep(0.1)
        captures = lab.take()
        require(len(foreign(captures["outside"])) > 100,
                f"only {len(foreign(captures['outside']))} injected")
        count = len(foreign(captures["inside"]))
        require(count > 100 if passes else count == 0, f"{count} passed")
        equal("packets that bled", injector.bled, 0)
        hang_up(b, g)


def bleed(context):
    """RTP bleed and inject, from the INVITE to the BYE (C23)."""
    with context.test("early_any", ["C23"]):
        with configured(context):
            injected_call(context, early=True)
    with context.test("early_signalling", ["C23"]):
        with configured(context, "early = signalling"):
            injected_call(context, early=False)
    with context.test("early_prefix", ["C23"]):
        with configured(context, 'early = {"203.0.113.16/28"}'):
            injected_call(context, early=False)
    with context.test("early_none", ["C23"]):
        with configured(context, "early = none"):
            injected_call(context, early=False)
    with context.test("early_media_of_the_carrier", ["C23"]):
        with configured(context, 'early = {"203.0.113.16/28"}'):
            with Pair(context, caller="b", callee="g") as (b, g):
                ring(b, g)
                g.tell("media once")
                b.wait_received(1)
                g.tell("answer")
                b.wait("established")
                hang_up(b, g)
            finish(context)


bleed.own_lab = bleed.starts_itself = True


def injected_call(context, early):
    """Who injects is heard, if at all, until the tightening is acknowledged,
    which is before the answer is passed on."""
    lab, edge = context.lab, context.lab.edges["e"]
    with Pair(context, caller="b", callee="g") as (b, g):
        ring(b, g)
        before = edge.verdicts()["condition"]
        lab.take()
        with Injector(lab, outer_of(edge)) as injector:
            time.sleep(0.3)
            g.tell("answer")
            b.wait("established")
            g.wait("established")
            media_for((b, g))
            rtp, _ = (b.stats()[0][kind]["received"] for kind in ("rtp", "rtcp"))
            count = sent(g)
            g_rtp, _ = heard(g)
            require(g_rtp >= (1 - LOSS) * sent(b), f"G heard {g_rtp} of {sent(b)}")
            hang_up(b, g)
        discarded = edge.verdicts()["condition"] - before
    captures = lab.take()
    inside, outside = foreign(captures["inside"]), foreign(captures["outside"])
    answered = [p.time for p in captures["inside"] if p.kind == "ip"
                and p.payload.startswith(b"SIP/2.0 200 ")
                and b" INVITE" in p.payload]
    require(answered, "B received no 200")
    late = [p for p in inside if p.time > answered[0]]
    after = [p for p in outside if p.time > answered[0]]
    require(len(after) > 500, f"only {len(after)} injected after the answer")
    equal("foreign packets after the tightening", len(late), 0)
    if early:
        require(len(inside) > 50, f"only {len(inside)} passed before the answer")
    else:
        equal("foreign packets in all", len(inside), 0)
        equal("packets of the call at B's port", rtp, count)
    require(discarded >= len(after) / 2, f"{discarded} discarded of {len(after)}")
    equal("packets that bled", injector.bled, 0)
    finish(context)


def far_nat(context):
    """A registers from behind a NAT, calls and is called."""
    for name, settings, caller, callee in (
            ("calls", "", "a", "b"), ("is_called", "", "b", "a"),
            ("calls_early_none", "early = none", "a", "b"),
            ("forced", "far_nat = yes", "b", "a")):
        with context.test(f"far_nat_{name}", ["C23"]):
            with configured(context, settings):
                far_nat_call(context, caller, callee)
    with context.test("far_nat_calls_another", ["C23"]):
        with configured(context):
            with Pair(context, caller="a", callee="g") as (a, g):
                incoming, _ = talk(a, g)
                require(all(e.startswith("198.18.0.") for e, _ in
                            sip.endpoints(incoming["sdp"])), incoming["sdp"])
                a.tell("media once")
                g.wait_received(1)
                media_for((a, g), 1.6)
                both_ways(a, g, warm=1)
                hang_up(a, g)
            finish(context)
    with context.test("far_nat_latches_anew", ["C23"]):
        with configured(context):
            latches_anew(context)
    with context.test("far_nat_restarts", ["C23", "R4"]):
        with configured(context):
            latch_survives(context)
    with context.test("far_nat_no", ["C23"]):
        with configured(context, "far_nat = no"):
            with Pair(context, caller="a", callee="b") as (a, b):
                talk(a, b)
                media_for((a, b))
                equal("what B hears without", heard(b), (0, 0))
                equal("what A hears without", heard(a), (0, 0))
                hang_up(a, b)
            context.lab.take()


far_nat.own_lab = far_nat.starts_itself = True


def media_flows(packets, address):
    """{(source, destination)} of RTP that an address has part in."""
    return {(p.source, p.destination) for p in packets if p.kind == "ip"
            and len(p.payload) == 172 and address in f"{p.source}>{p.destination}"}


def check_hidden(captures):
    """B's side never sees A's own address. (That A's port is seen, behind the
    address of its NAT, is as it must be.)"""
    shown = [p for p in captures["inside"] if p.kind == "ip"
             and ("192.168.1." in f"{p.source}>{p.destination}"
                  or b"192.168.1." in p.payload)]
    require(captures["inside"] and not shown, f"{len(shown)} packets show it: {shown[:2]}")


def far_nat_call(context, caller, callee):
    lab, edge = context.lab, context.lab.edges["e"]
    with Pair(context, caller=caller, callee=callee) as phones:
        a, b = phones if caller == "a" else reversed(phones)
        incoming, established = talk(*phones)
        told = incoming["sdp"] if caller == "a" else established["sdp"]
        equal("endpoint that B is told", [e for e, _ in sip.endpoints(told)],
              [f"{HOME}:4000"])
        outer = outer_of(edge)
        # Nobody knows yet where A is; a stranger's guess is of no use.
        before = edge.verdicts()
        b.tell("media once")
        with Injector(lab, outer):
            time.sleep(0.2)
        after = edge.verdicts()
        require(after["not_latched"] > before["not_latched"], "B's packet was sent")
        require(after["latch"] >= before["latch"] + 50, "the stranger's were not discarded")
        a.tell("media once")
        b.wait_received(1)
        lab.take()
        paths = edge.paths()
        media_for((a, b), 1.6)
        both_ways(a, b, warm=2)
        now = {way: count - paths[way] for way, count in edge.paths().items()}
        (lease,) = edge.leases()
        latched_port = int(lease["latched"][0].split(":")[1])
        require(20000 <= latched_port <= 29999 and lease["latched"][1], lease)
        equal("latched", [e.split(":")[0] for e in lease["latched"]], [HOME, HOME])
        check_paths(now)
        before = lab.take()
        hang_up(*phones)
    packets = {name: before[name] + after for name, after in lab.take().items()}
    check_hidden(packets)
    equal("media inside", media_flows(packets["inside"], "10.0.0.5"),
          {(f"{HOME}:4000", "10.0.0.5:6000"), ("10.0.0.5:6000", f"{HOME}:4000")})
    equal("media outside", media_flows(packets["outside"], HOME),
          {(f"{HOME}:{latched_port}", outer), (outer, f"{HOME}:{latched_port}")})
    finish(context)


def check_paths(paths):
    """By the kernel after the first packets, or all by a TUN."""
    if FASTPATH == "yes":
        require(paths["tun"] <= 2 * 2 * PACKETS_TO_SETTLE and paths["kernel"] > 60, paths)
    else:
        require(paths["kernel"] == 0 and paths["tun"] > 60, paths)


def latches_anew(context):
    """Only after a signalled change; here one by the command."""
    lab, edge = context.lab, context.lab.edges["e"]
    with Pair(context, caller="a", callee="b") as (a, b):
        talk(a, b)
        media_for((a, b), 1.2)
        (before,) = edge.leases()
        done = netns.run(edge.namespace, [
            program("viaduct"), "-c", edge.config, "tighten", "--lease",
            str(before["id"]), "--latch", HOME])
        require(done.returncode == 0, done.stderr)
        (lease,) = edge.leases()
        equal("latched after it", lease["latched"], [None, None])
        counts = heard(a)[0]
        b.tell("media once")
        time.sleep(0.2)
        equal("what A hears before it has sent", heard(a)[0], counts)
        media_for((a, b), 1.2)
        (lease,) = edge.leases()
        equal("latched", lease["latched"], before["latched"])
        require(heard(a)[0] > counts + 30, f"A heard {heard(a)[0] - counts}")
        hang_up(a, b)
    check_hidden(lab.take())
    finish(context)


def latch_survives(context):
    """A restart of either daemon forgets nobody, and lets nobody else in."""
    lab, edge = context.lab, context.lab.edges["e"]
    with Pair(context, caller="a", callee="b") as (a, b):
        talk(a, b)
        media_for((a, b), 1.2)
        (before,) = edge.leases()
        require(None not in before["latched"], before)
        for daemon in ("natctl", "translator"):
            edge.kill(daemon)
            edge.start(daemon)
            edge.wait_ready("natctl")
            (lease,) = edge.leases()
            equal(f"latched after a restart of {daemon}", lease["latched"],
                  before["latched"])
            lab.take()
            with Injector(lab, outer_of(edge), HOME, "home"):
                time.sleep(0.2)
            captures = lab.take()
            require(len(foreign(captures["outside"])) > 50, "nothing injected")
            equal("foreign packets", len(foreign(captures["inside"])), 0)
            counts = heard(a)[0], heard(b)[0]
            media_for((a, b), 0.5)
            require(heard(a)[0] > counts[0] + 15 and heard(b)[0] > counts[1] + 15,
                    f"{daemon}: media after the restart: {heard(a)}, {heard(b)}")
        hang_up(a, b)
    check_hidden(lab.take())
    finish(context)
