# SPDX-License-Identifier: GPL-2.0-or-later
"""One call of a case, told to a reader: the SIP ladder with the SDP endpoints,
the rules in force, and the media packets in each direction."""

from collections import Counter

import calls
import capture
import sip
from context import Context
from topology import Lab

WIDTH = 30


def owners(case):
    """{address: node} of everybody in the case."""
    return {address.split("/")[0]: node.name
            for node in case.nodes.values() for _, address in node.addresses}


def columns(case):
    first, last = case.phones["a"].node, case.phones["b"].node
    return [first, *(node.name for node in case.edges), last]


def arrow(text, length, left_to_right):
    """A line of that many characters with a text in it and a head at its end."""
    line = f" {text} "[:length - 2].center(length - 1, "-")
    return line + ">" if left_to_right else "<" + line


def ladder(case, captures):
    """The call's SIP messages in the order of their times, as lines of text."""
    names, places = columns(case), owners(case)
    lines = ["".join(name.upper().ljust(WIDTH) for name in names)]
    found = sorted(((packet.time, packet, message) for packets in captures.values()
                    for packet, message in sip.messages(packets)), key=lambda m: m[0])
    for _, packet, message in found:
        if message.method == "REGISTER":
            continue
        source, target = places.get(packet.src), places.get(packet.dst)
        if source not in names or target not in names:
            continue
        at, to = names.index(source), names.index(target)
        text = message.first.split(" ")[0] if message.status is None else \
            " ".join(message.first.split(" ")[1:])
        if message.has_sdp:
            text += " " + " ".join(e for e, _ in sip.endpoints(message.body))
        low, high = sorted((at, to))
        row = "".join("|".ljust(WIDTH) for _ in range(low)) + "|"
        row += arrow(text, (high - low) * WIDTH - 1, to > at)
        row += "".join("|".ljust(WIDTH) for _ in range(high, len(names)))
        lines.append(row.rstrip())
    return lines


def rule_lines(record):
    lines = []
    for edge, rules in record.rules.items():
        lines += [f"{edge:8} {inner} <-> {outer}  ({ports} ports)"
                  for inner, outer, ports in rules] or [f"{edge:8} none"]
    return lines


def media_lines(case, captures):
    """Packets of each direction on each segment, with source and destination."""
    lines = []
    for flow in calls.flows_of(case):
        lines.append(f"{flow.name.replace('>', ' > ')}:")
        for segment, source, destination in flow.hops:
            counts = Counter()
            for packet in captures[segment]:
                if (packet.source, packet.destination) == (source, destination):
                    counts["RTP"] += capture.is_rtp(packet)
            lines.append(f"    {segment:10} {source:>22} > {destination:22} "
                         f"{counts['RTP']:4} RTP packets")
    return lines


def call(context):
    """Makes the call and prints what happened; the exit status."""
    case = context.case
    record = calls.make_call(context, "a_first")
    print(f"\n=== {case.title}\n\n{case.drawing}\n")
    for title, lines in (("SIP, with the media endpoint in each SDP",
                          ladder(case, record.captures)),
                         ("rules in force during the call, as the translators tell them",
                          rule_lines(record)),
                         ("media as captured on each segment",
                          media_lines(case, record.captures))):
        print(title + ":\n")
        print("\n".join("    " + line for line in lines) + "\n")
    calls.proof_empty(context, record)
    print("after BYE: no rule and no lease on any edge")
    context.check_no_leak(record.captures)
    print("no packet showed anybody an address that is not valid there")


def show(case):
    with Lab(case) as lab:
        lab.start_edges()
        call(Context(None, lab))
