# SPDX-License-Identifier: GPL-2.0-or-later
"""Media packets in captures: who sends to whom on each segment, and whether
each packet is the same, bit for bit, on all the segments it crosses."""

from collections import Counter
from dataclasses import dataclass, field

import capture


@dataclass
class Flow:
    """What one direction of a stream looks like on each segment, in the order
    in which a packet meets them: [(segment, source, destination)]. Endpoints
    are base ports; RTCP rides on the next port."""
    name: str
    hops: list


@dataclass
class Result:
    faults: list = field(default_factory=list)
    rtp: int = 0
    rtcp: int = 0


def plus_one(endpoint):
    address, port = endpoint.rsplit(":", 1)
    return f"{address}:{int(port) + 1}"


def shorten(texts, limit=5):
    texts = list(texts)
    more = [f"... and {len(texts) - limit} more"] if len(texts) > limit else []
    return texts[:limit] + more


def payloads(packets, source, destination):
    return [p.payload for p in packets if p.kind == "ip"
            and p.proto == capture.UDP and p.source == source
            and p.destination == destination]


def compare_hops(flow, seen, what):
    """Every payload must be there on every hop, as often as on the first."""
    faults = []
    first = Counter(seen[0])
    for (segment, source, destination), found in zip(flow.hops[1:], seen[1:]):
        found = Counter(found)
        label = f"{flow.name} {what} on {segment} ({source} > {destination})"
        lost = first - found
        extra = found - first
        twice = [p for p in extra if p in first]
        changed = [p for p in extra if p not in first]
        if twice:
            faults.append(f"{label}: {len(twice)} packets more than once")
        if changed:
            faults.append(f"{label}: {len(changed)} payloads that nobody sent")
        if lost:
            faults.append(f"{label}: {sum(lost.values())} of "
                          f"{sum(first.values())} payloads missing")
    return faults


def check(flows, captures, one_copy=True, rtcp=True):
    """Checks all media packets of `captures` {segment: packets}: each belongs
    to one of the flows, with the stated source and destination; payloads are
    equal on all hops; every checksum is right. Returns a Result."""
    result = Result()
    wanted = {segment: set() for segment in captures}
    for flow in flows:
        for offset in (0, 1):
            hops = flow.hops
            if offset:
                hops = [(g, plus_one(s), plus_one(d)) for g, s, d in hops]
            for segment, source, destination in hops:
                wanted[segment].add((source, destination))
            moved = Flow(flow.name, hops)
            seen = [payloads(captures[g], s, d) for g, s, d in hops]
            what = "RTCP" if offset else "RTP"
            if not seen[0] and (not offset or rtcp):
                result.faults.append(f"{flow.name}: no {what} on {hops[0][0]} "
                                     f"({hops[0][1]} > {hops[0][2]})")
            result.faults += compare_hops(moved, seen, what)
            if one_copy:
                result.faults += twice_on_first_hop(moved, seen[0], what)
            if offset:
                result.rtcp += len(seen[-1])
            else:
                result.rtp += len(seen[-1])
    for segment, packets in captures.items():
        result.faults += check_segment(segment, packets, wanted[segment])
    return result


def twice_on_first_hop(flow, seen, what):
    repeated = [p for p, n in Counter(seen).items() if n > 1]
    if not repeated:
        return []
    segment, source, destination = flow.hops[0]
    return [f"{flow.name} {what} on {segment} ({source} > {destination}): "
            f"{len(repeated)} packets more than once"]


def check_segment(segment, packets, wanted):
    """Checksums of everything; source and destination of what is media."""
    faults = []
    strange = Counter()
    for packet in packets:
        if packet.faults:
            faults.append(f"{segment}: {packet}: {', '.join(packet.faults)}")
        if capture.is_rtp(packet) or capture.is_rtcp(packet):
            if (packet.source, packet.destination) not in wanted:
                strange[str(packet)] += 1
    faults += [f"{segment}: {count} media packets {text}: not stated"
               for text, count in strange.items()]
    return shorten(faults)
