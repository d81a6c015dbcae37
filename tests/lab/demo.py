#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One call of each case, shown: the SIP ladder with the media endpoints on each
segment, the rules in force, the packets that passed.

    demo.py [--keep [CASE]] [CASE...]       cases: v0 v1 v2 v3 x1 x2 x3

--keep leaves a case (v3) running to play with.
"""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import calls            # noqa: E402
import casefile         # noqa: E402
import kept             # noqa: E402
import netns            # noqa: E402
import sip              # noqa: E402
import topology         # noqa: E402
from context import Context  # noqa: E402
from report import Failed, Report  # noqa: E402

CASES = ["v0", "v1", "v2", "v3", "x1", "x2", "x3"]


def names_of(case):
    """Whose address is it? {address: node}."""
    return {address.split("/")[0]: node.name
            for node in case.nodes.values() for _, address in node.addresses}


def print_ladder(case, captures):
    """Every SIP message as it crossed each segment, in order of time."""
    names = names_of(case)
    seen = sorted(((packet.time, segment, packet, message)
                   for segment, packets in captures.items()
                   for packet, message in sip.messages(packets)),
                  key=lambda entry: entry[0])
    width = max(len(segment) for segment in captures)
    start = seen[0][0] if seen else 0
    for time, segment, packet, message in seen:
        words = message.first.split(" ")
        what = f"{message.status} {message.method}" if message.status else words[0]
        parties = " > ".join(names.get(end.split(":")[0], end)
                             for end in (packet.source, packet.destination))
        media = ""
        if message.has_sdp:
            media = "media " + ", ".join(e for e, _ in sip.endpoints(message.body))
        print(f"  {(time - start) * 1000:7.1f} ms  {segment:{width}}  "
              f"{parties:18}  {what:14} {media}".rstrip())


def print_rules(lab):
    for edge in lab.edges.values():
        rules = edge.rules()
        if not rules:
            print(f"  {edge.name}: none (media is direct)")
        for rule in rules:
            print(f"  {edge.name}: {rule['inner']:30} <-> {rule['outer']:30} "
                  f"{rule['ports']} ports")


def print_packets(phones):
    """Packets each way; False if a direction is not whole."""
    whole = True
    for sender, receiver in (phones, phones[::-1]):
        for sent, got in zip(sender.stats(), receiver.stats()):
            sources = ", ".join(s["from"] for s in got["rtp"]["sources"])
            print(f"  {sender.name} > {receiver.name}: {sent['rtp']['sent']} sent, "
                  f"{got['rtp']['received']} received, {got['rtp']['lost']} lost, "
                  f"{got['rtp']['corrupt']} changed; {receiver.name} sees them "
                  f"come from {sources or 'nowhere'}")
            whole = whole and 0 < sent["rtp"]["sent"] == got["rtp"]["received"] \
                and not got["rtp"]["corrupt"]
    return whole


def show(name):
    """One call; True if all of it went as it should."""
    case = casefile.load(name)
    print(f"\n=== {name}: {case.title}\n\n{case.drawing}\n", flush=True)
    with topology.Lab(case) as lab:
        lab.start_edges()
        context = Context(Report(), lab)
        lab.take()
        with calls.Pair(context) as phones:
            a, b = phones
            print("both phones are registered; A calls B", flush=True)
            lab.take()
            calls.talk(a, b)
            calls.media_for(phones, 2.0)
            print("\nrules in force during the call:")
            print_rules(lab)
            print("\nRTP packets after two seconds of talk:")
            whole = print_packets(phones)
            calls.hang_up(a, b)
        captures = lab.take()
        print("\nSIP, with the media endpoints that each message names:")
        print_ladder(case, captures)
        netns.wait_until("rules are gone after the call", lambda: not any(
            edge.rules() for edge in lab.edges.values()), timeout=3)
        print("\nrules after the call: none")
        leaks = context.leaks(captures)
        print(f"addresses seen where they are not valid: {len(leaks)}", flush=True)
    return whole and not leaks


def keep(name):
    kept.up([name])
    here = os.path.dirname(os.path.abspath(__file__))
    case = casefile.load(name)
    edge = next(iter(case.edges)).name if case.edges else "edge"
    print(f"\nto play with it:\n"
          f"  {here}/lab exec {name} {edge} viaduct -c FOLDER/{edge}/viaduct.conf rules\n"
          f"  {here}/lab down {name}")


def main(argv):
    wanted = [word for word in argv if not word.startswith("-")]
    if any(word.startswith("-") and word != "--keep" for word in argv) \
            or not set(wanted) <= set(CASES):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    netns.require_rights()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    topology.sweep(kept.namespaces())
    good = [name for name in wanted or CASES if show(name)]
    bad = [name for name in wanted or CASES if name not in good]
    print(f"\ncalls that went as they should: {' '.join(good) or 'none'}")
    if bad:
        print(f"calls that did not: {' '.join(bad)}")
    if "--keep" in argv:
        keep(wanted[-1] if wanted else "v3")
    return 1 if bad else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except (netns.LabError, casefile.CaseError, Failed) as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
