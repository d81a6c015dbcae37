# SPDX-License-Identifier: GPL-2.0-or-later
"""The call cases: phones register and call each other, and the five proofs
(requirements, section 6) are taken from what everybody saw."""

import time
from dataclasses import dataclass, field

import media
import netns
import sip
from applications import check_nothing_left, pairs
from context import equal, require
from edge import FASTPATH
from phone import Phone
from report import NotReached

MEDIA_SECONDS = 1.0
# A flow's first packet, and those that were under way before the kernel had it.
PACKETS_TO_SETTLE = 3


@dataclass
class Record:
    """What is known of one call after it."""
    captures: dict = field(default_factory=dict)
    rules: dict = field(default_factory=dict)      # during the call, by edge
    paths: dict = field(default_factory=dict)      # packets of the call, by edge
    stats: dict = field(default_factory=dict)      # by phone
    offered: str = ""                              # SDP that the callee received
    answered: str = ""                             # SDP that the caller received
    messages: list = field(default_factory=list)   # (what, to, sent, received)


class Pair:
    """The case's two phones, registered; ended when the block is left."""

    def __init__(self, context, *options, caller="a", callee="b", media_of=None):
        self.context = context
        self.setups = context.case.phones[caller], context.case.phones[callee]
        self.options = options
        self.media_of = media_of or {}
        self.phones = []

    def __enter__(self):
        try:
            for setup in self.setups:
                self.phones.append(Phone(self.context.lab, setup, *self.options,
                                         media=self.media_of.get(setup.name)))
            for phone in self.phones:
                phone.register()
        except BaseException:
            self.__exit__(None)
            raise
        return self.phones

    def __exit__(self, failure, *_):
        if failure:
            # What is left of the call must not disturb the next test.
            for phone in self.phones:
                phone.give_up()
            time.sleep(0.2)
        for phone in self.phones:
            phone.quit()


def ring(a, b):
    """A calls, B rings."""
    a.tell(f"call {b.setup.aor}")
    incoming = b.wait("incoming")
    a.wait("ringing")
    return incoming


def talk(a, b):
    """A calls, B answers; both have their call established."""
    incoming = ring(a, b)
    b.tell("answer")
    established = a.wait("established")
    b.wait("established")
    return incoming, established


def hang_up(who, other):
    who.tell("hangup")
    other.wait("ended")
    who.wait("ended")


def first_packets(first, second):
    """One packet each way, in that order of first packets (C9)."""
    for sender, receiver in ((first, second), (second, first)):
        sender.tell("media once")
        receiver.wait_received(1)


def media_for(phones, seconds=MEDIA_SECONDS):
    for phone in phones:
        phone.tell("media start")
    time.sleep(seconds)
    for phone in phones:
        phone.tell("media stop")
    # What is under way arrives.
    last = None
    for _ in range(20):
        time.sleep(0.05)
        now = [(s["rtp"]["received"], s["rtcp"]["received"])
               for phone in phones for s in phone.stats()]
        if now == last:
            break
        last = now


def make_call(context, order):
    lab, record = context.lab, Record()
    lab.take()
    before = {name: edge.paths() for name, edge in lab.edges.items()}
    with Pair(context) as (a, b):
        # Only what belongs to the call is compared, not the registration.
        marks = a.mark(), b.mark()
        incoming, established = talk(a, b)
        record.offered, record.answered = incoming["sdp"], established["sdp"]
        first_packets(*((a, b) if order == "a_first" else (b, a)))
        media_for((a, b))
        record.rules = {name: pairs(edge.rules()) for name, edge in lab.edges.items()}
        record.paths = {name: {way: count - before[name][way]
                               for way, count in edge.paths().items()}
                        for name, edge in lab.edges.items()}
        record.stats = {phone.name: phone.stats() for phone in (a, b)}
        hang_up(*((a, b) if order == "a_first" else (b, a)))
        record.messages = passed(a, b, *marks, bye=order)
    record.captures = lab.take()
    return record


def passed(a, b, mark_a, mark_b, bye):
    """Pairs of messages as one party sent and the other received them."""
    found = []
    for what, sender, receiver, status in (
            ("INVITE", a, b, None), ("INVITE", b, a, 180), ("INVITE", b, a, 200),
            ("ACK", a, b, None),
            ("BYE", *((a, b) if bye == "a_first" else (b, a)), None)):
        marks = {a: mark_a, b: mark_b}
        sent = sender.messages("sent", what, marks[sender], status)
        received = receiver.messages("received", what, marks[receiver], status)
        name = f"{status} of {what}" if status else what
        require(sent and received, f"{name}: {len(sent)} sent, {len(received)} received")
        found.append((name, receiver, sent[-1], received[-1]))
    return found


# The proofs. Each takes (context, record).
def proof_sdp(context, record):
    """1: the SDP that each party received, and what each segment showed."""
    wanted = {}
    for what in ("offer", "answer"):
        for segment, endpoint in context.case.expected(what):
            wanted.setdefault((what, segment), []).append(endpoint)
    require(wanted, "the case states no SDP endpoint")
    for (what, segment), expected in wanted.items():
        equal(f"{what} on {segment}", sip.shown(record.captures[segment], what), expected)
    a, b = context.case.phones["a"], context.case.phones["b"]
    for what, party, body in (("offer", b, record.offered), ("answer", a, record.answered)):
        expected = wanted[what, party.segment][-1]
        for endpoint, rtcp in sip.endpoints(body):
            equal(f"{what} as {party.name} received it", endpoint, expected)
            equal(f"RTCP of the {what}", rtcp or media.plus_one(endpoint),
                  media.plus_one(expected))


def flows_of(case):
    flows = {}
    for name, segment, source, destination in case.expected("media"):
        flows.setdefault(name, media.Flow(name, [])).hops.append(
            (segment, source, destination))
    return list(flows.values())


def proof_media(context, record):
    """2: every media packet on every segment, in both directions, intact."""
    flows = flows_of(context.case)
    require(len(flows) == 2, "the case does not state both directions")
    result = media.check(flows, record.captures)
    require(not result.faults, "; ".join(result.faults))
    for flow in flows:
        sender, receiver = (record.stats[name] for name in flow.name.split(">"))
        source = flow.hops[-1][1]
        for out, into in zip(sender, receiver):
            label = f"{flow.name}: "
            require(out["rtp"]["sent"] >= 20, f"{label}only {out['rtp']['sent']} RTP sent")
            require(out["rtcp"]["sent"] > 0, f"{label}no RTCP sent")
            equal(label + "RTP received", into["rtp"]["received"], out["rtp"]["sent"])
            equal(label + "RTCP received", into["rtcp"]["received"], out["rtcp"]["sent"])
            for fault in ("lost", "reordered", "duplicate", "corrupt"):
                equal(label + fault, into["rtp"][fault], 0)
            equal(label + "corrupt RTCP", into["rtcp"]["corrupt"], 0)
            equal(label + "sources of RTP",
                  [s["from"] for s in into["rtp"]["sources"]], [source])
            equal(label + "sources of RTCP",
                  [s["from"] for s in into["rtcp"]["sources"]], [media.plus_one(source)])
            captured = len(media.payloads(record.captures[flow.hops[-1][0]],
                                          *flow.hops[-1][1:]))
            equal(label + "RTP captured on the last hop", captured, into["rtp"]["received"])


def proof_rules(context, record):
    """3: each NAT's rule list, read from the translator, while the call is up."""
    wanted = {name: [] for name in context.lab.edges}
    require(wanted, "the case has no edge")
    for edge, inner, outer, ports in context.case.expected("rule"):
        wanted[edge].append((inner, outer, ports))
    for edge, rules in wanted.items():
        equal(f"rules of {edge}", record.rules[edge], sorted(rules))


def is_ipv6(rules):
    """These stay in the TUN, and so does what leads from one version to the
    other."""
    return any("[" in inner + outer for inner, outer, _ in rules)


def proof_path(context, record):
    """The kernel has carried all but a flow's first packets; without the fast
    path, none."""
    for name, rules in record.rules.items():
        seen = record.paths[name]
        if not rules:
            equal(f"packets that edge {name} translated",
                  (seen["tun"], seen["kernel"]), (0, 0))
        elif FASTPATH == "no" or is_ipv6(rules):
            require(seen["tun"] > 0 and seen["kernel"] == 0,
                    f"edge {name}, without the fast path: {seen}")
        else:
            require(seen["settled"] > 0 and seen["kernel"] > 10 * seen["tun"]
                    and seen["tun"] <= PACKETS_TO_SETTLE * seen["settled"],
                    f"edge {name}, with the fast path: {seen}")


def proof_empty(context, _record):
    """4: nothing is left after BYE."""
    for edge in context.lab.edges.values():
        check_nothing_left(edge)


def proof_unchanged(context, record):
    """Headers and bodies that must pass did, byte for byte."""
    edges = len(context.lab.edges)
    faults = []
    for what, receiver, sent, received in record.messages:
        view = context.views[receiver.setup.segment]
        faults += [f"{what}: {fault}" for fault in sip.compare(sent, received, view, edges)]
    require(record.messages, "no message was compared")
    require(not faults, "; ".join(faults))


def proof_no_leak(context, record):
    """5: the leak scanner finds nothing on any segment."""
    require(any(record.captures.values()), "nothing was captured")
    context.check_no_leak(record.captures)


PROOFS = (("sdp", proof_sdp, ("offer", "answer")), ("media", proof_media, ("media",)),
          ("rules", proof_rules, ("rule",)), ("path", proof_path, None),
          ("empty_after_bye", proof_empty, None),
          ("unchanged", proof_unchanged, None), ("no_leak", proof_no_leak, None))


def calls(context):
    """One call for each order of first packets, and its proofs."""
    for order in ("a_first", "b_first"):
        record = None
        with context.test(f"{order}/call", ["C9"]):
            record = make_call(context, order)
        for name, proof, kinds in PROOFS:
            ids = context.case.ids(*kinds) if kinds else \
                ["X5"] if name == "no_leak" else []
            with context.test(f"{order}/{name}", ids):
                if not record:
                    raise NotReached("the call")
                proof(context, record)


def finish(context):
    """After any other call test: nothing left, nothing leaked."""
    for edge in context.lab.edges.values():
        check_nothing_left(edge)
    captures = context.lab.take()
    context.check_no_leak(captures)
    for segment, packets in captures.items():
        faults = media.check_segment(segment, [p for p in packets if p.faults], set())
        require(not faults, "; ".join(faults))


def before_answer(context):
    """The callee sends as soon as it has the INVITE: delivered."""
    with context.test("before_answer", ["V0.2"] if context.case.name == "v0" else ["V2.4"]):
        with Pair(context) as (a, b):
            ring(a, b)
            b.tell("media once")
            a.wait_received(1)
            b.tell("answer")
            a.wait("established")
            hang_up(a, b)
        finish(context)


def early(context):
    """Early media behind a 183 with SDP: the first packet already passes."""
    with context.test("early_media"):
        with Pair(context, "--early", "yes") as (a, b):
            ring(a, b)
            first_packets(b, a)
            b.tell("answer")
            a.wait("established")
            first_packets(b, a)
            hang_up(b, a)
        finish(context)


def stranger(context, node, outer, segment):
    """The rule is open to any source until the answer is known, then only to
    the other party (V2.4, C23); a stranger's packet is discarded."""
    lab = context.lab
    address = context.case.nodes[node].addresses[0][1].split("/")[0]
    with context.test("stranger", ["V2.4", "C23"]):
        sock = lab.udp(node, address, 4000)
        target = (outer.split(":")[0], int(outer.split(":")[1]))
        with Pair(context) as (a, b):
            ring(a, b)
            lab.take()
            sock.sendto(b"before the answer", target)
            netns.wait_until("the open rule lets it in", lambda: reached(
                lab.take()[segment], b"before the answer"), timeout=2)
            b.tell("answer")
            a.wait("established")
            b.wait("established")
            sock.sendto(b"after the answer", target)
            time.sleep(0.2)
            require(not reached(lab.take()[segment], b"after the answer"),
                    "a stranger's packet passed after the answer")
            first_packets(a, b)
            hang_up(a, b)
        sock.close()
        finish(context)


def reached(packets, payload):
    return any(p.payload == payload for p in packets)


def after_bye(context, outer, node, segment):
    """V1.6: after BYE a packet to the outer endpoint is discarded."""
    lab = context.lab
    with context.test("after_bye", ["V1.6"]):
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            hang_up(a, b)
        finish(context)
        before = sum(edge.verdicts().get("no_rule", 0) for edge in lab.edges.values())
        sock = lab.udp(node)
        sock.sendto(b"too late", (outer.split(":")[0], int(outer.split(":")[1])))
        time.sleep(0.2)
        captures = lab.take()
        require(any(reached(packets, b"too late") for name, packets in captures.items()
                    if name != segment), "the packet was not even sent")
        require(not reached(captures[segment], b"too late"), "the packet came in")
        sock.close()
        after = [edge.verdicts() for edge in lab.edges.values()]
        require(sum(v.get("no_rule", 0) for v in after) > before
                or any("inactive" in name and count for v in after
                       for name, count in v.items()),
                f"no verdict counted it: {after}")


def cut_transit(context):
    """C14: with the transit link cut no media arrives; it has no other way."""
    lab = context.lab
    with context.test("cut_transit", ["C13", "C14"]):
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            ports = [port for (_, segment), port in lab.ports.items()
                     if segment == "transit"]
            netns.ip_batch([f"link set {port} down" for port in ports], lab.wire)
            before = b.received()
            a.tell("media start")
            time.sleep(0.4)
            a.tell("media stop")
            netns.ip_batch([f"link set {port} up" for port in ports], lab.wire)
            sent = sum(s["rtp"]["sent"] for s in a.stats())
            require(sent > 10, f"only {sent} packets sent")
            equal("packets received with the transit network cut", b.received(), before)
            a.tell("media once")
            b.wait_received(before + 1)
            hang_up(a, b)
        finish(context)
