# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures as tables: on the terminal, and as doc/benchmarks.md."""

import os
import platform
import time

import netns
import ngclient
import ways
from figures import (CPU_RATE, DELAY_FLOWS, DELAY_RATE, LOSS, MASS, OVERLOAD,
                     SETTLED_FLOWS, SETTLED_RATE, named)

ABSENT = "-"
HOW = f"""\
Each way has a box of its own (a network namespace) between two namespaces, by
one veth on each side, without bridges and captures; all boxes stay up while
they are measured in turn, round after round, and every figure is the median of
the rounds. {ways.FLOWS} pairings stand in each box, whatever number of flows is
sent. Packets are 172 bytes of RTP with a right UDP checksum. "One way" goes
from outside to inside; "both ways" is half of the packets in each direction,
and the figure is the sum.

- **Sender**: one thread on core {ways.LOAD_CORE}, packet sockets that bypass the queueing
  discipline, prepared frames, `sendmmsg`. A frame that the box's input queue
  refuses counts as lost.
- **Box**: what arrives is steered to core {ways.BOX_CORE} (RPS), where its daemon is pinned
  too; the ways with two threads or workers have RPS and daemon on both cores,
  which they share with the sender.
- **Receiver**: a veth with a receive queue of its own (NAPI), and a drop in
  nftables' ingress hook; the device's count is read. Before the first round
  every flow is checked both ways by address, length and count.
- **Packets a second**: the highest rate that loses at most {LOSS:.1%}, found to 3 %;
  a packet that comes out more than 2 ms after the sending has ended is lost.
- **CPU**: {CPU_RATE // 1000} k packets a second, sent ten times a millisecond. Spinners of idle
  priority count what all cores have left; everything else, interrupts
  included, is work. Bare delivery (the box drops what arrives) is subtracted.
- **Delay**: {DELAY_RATE // 1000} k packets a second, one by one, over {DELAY_FLOWS} flows; from the sender's
  clock to the kernel's time stamp at the receiver, spinners keep the cores
  awake. The median (99th percentile) of bare delivery is subtracted.
- **Overload**: {OVERLOAD} times the best rate with {ways.FLOWS} flows one way, or what the sender can
  do of that; what comes out while it is sent, as a share of the best rate.
- rtpengine closes a stream for good when its socket held more than 50 packets
  five times. Such calls are made anew before the next probe. A turn in which a
  way stalls is void and taken once more.
"""


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cores": os.cpu_count(),
            "kernel": f"{platform.system()} {platform.release()}",
            "nftables": netns.command(["nft", "--version"]).strip(),
            "rtpengine": ngclient.version() + ", userspace mode (--table=-1)",
            "viaduct": source_version(),
            "date": time.strftime("%Y-%m-%d", time.gmtime())}


def source_version():
    here = os.path.dirname(os.path.abspath(__file__))
    return netns.command(["git", "-C", here, "describe", "--always", "--dirty"],
                         check=False).strip() or "of unknown version"


def number(value, digits=None):
    if value is None:
        return ABSENT
    if digits is None:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{digits}f}"


# The side-by-side table
def side_by_side(series, shown, loads, cpu_loads):
    """[[text]]: a row a figure, a column a way."""
    rows = [["", *(way.title for way in shown)]]

    def row(text, figure, load, digits=None, scale=1):
        values = [series.median(figure, way.name, load) for way in shown]
        if any(value is not None for value in values):
            rows.append([text, *(number(None if v is None else v * scale, digits)
                                 for v in values)])

    row("most the sender offered, packets/s", "offered", "")
    for flows, sides in loads:
        load = named(flows, sides)
        row(f"packets/s, {load}", "rate", load)
    for flows, sides in cpu_loads:
        load = named(flows, sides)
        row(f"CPU us a packet, {load}", "cpu", load, 2)
    row("delay added us, p50", "delay p50", "", 1)
    row("delay added us, p99", "delay p99", "", 1)
    row("overload offered, times its best", "overload offered", "", 1)
    row("overload, % of its best", "overload", "", 0, 100)
    return rows


# The targets
class Target:
    """One line: figure, target, reached, met (None: not measured)."""

    def __init__(self, figure, target, reached=None, met=None):
        self.figure, self.target = figure, target
        self.reached = reached or "not measured"
        self.met = ABSENT if met is None else "yes" if met else "**no**"

    def cells(self):
        return [self.figure, self.target, self.reached, self.met]


def ratio(figure, ours, theirs, sign, bound, text):
    """ours / theirs is at most ("<=") or at least (">=") bound."""
    if ours is None or not theirs:
        return Target(figure, text)
    value = ours / theirs
    return Target(figure, text, f"{value:.2f} x",
                  value <= bound if sign == "<=" else value >= bound)


def at_most(figure, value, bound, unit, digits, text=None):
    text = text or f"<= {number(bound, digits)} {unit}"
    if value is None:
        return Target(figure, text)
    return Target(figure, text, f"{number(value, digits)} {unit}", value <= bound)


def at_least(figure, value, bound, unit):
    if value is None:
        return Target(figure, f">= {number(bound)} {unit}")
    return Target(figure, f">= {number(bound)} {unit}", f"{number(value)} {unit}",
                  value >= bound)


def percent(value):
    return None if value is None else value * 100


def targets(series, loads):
    many = [named(ways.FLOWS, 1), named(ways.FLOWS, 2)]
    get = series.median
    found = []
    for load in many:
        found.append(ratio(f"fast path, CPU a packet, {load}", get("cpu", "fast", load),
                           get("cpu", "nat", load), "<=", 1.15,
                           "<= 1.15 x nftables NAT"))
        found.append(ratio(f"fast path, CPU a packet, {load}", get("cpu", "fast", load),
                           get("cpu", "rtpengine1", load), "<=", 1 / 6,
                           "<= 0.17 x rtpengine"))
    for flows, sides in loads:
        load = named(flows, sides)
        found.append(ratio(f"fast path, packets/s, {load}", get("rate", "fast", load),
                           get("rate", "nat", load), ">=", 0.95,
                           ">= 0.95 x nftables NAT"))
    for load in many:
        found.append(ratio(f"TUN path, packets/s, {load}", get("rate", "tun", load),
                           get("rate", "rtpengine1", load), ">=", 1.4,
                           ">= 1.4 x rtpengine, 1 thread"))
    for load in many:
        found.append(ratio(f"TUN path, two workers, {load}", get("rate", "tun2", load),
                           get("rate", "tun", load), ">=", 1.4, ">= 1.4 x one worker"))
    overload = percent(get("overload", "tun", ""))
    found.append(at_least("TUN path, overload, share of its best", overload, 50, "%"))
    lost = percent(get("settled lost", "fast", ""))
    found.append(at_most(f"settled flows ({SETTLED_FLOWS}, {SETTLED_RATE // 1000} k packets/s) "
                         "lost meanwhile", lost, 0, "%", 3, "0 %"))
    found.append(at_most(f"packets of a {number(get('call seconds', 'fast', '') or 60)} s "
                         "call that crossed the TUN",
                         percent(get("crossed", "fast", "")), 0.1, "%", 3))
    for way, title in (("tun", "TUN path"), ("fast", "fast path")):
        for point in ("p50", "p99"):
            ours = get("delay " + point, way, "")
            theirs = get("delay " + point, "rtpengine1", "")
            text = "<= rtpengine's" + (f" {theirs:.1f} us" if theirs is not None else "")
            found.append(Target(f"{title}, delay added, {point}", text) if
                         ours is None or theirs is None else
                         at_most(f"{title}, delay added, {point}", ours, theirs, "us", 1,
                                 text))
    asked = "fast" if get("ask p50_us", "fast", "") is not None else "tun"
    found += [at_most("ask to in force, p50", get("ask p50_us", asked, ""), 80, "us", 0),
              at_most("ask to in force, p99", get("ask p99_us", asked, ""), 500, "us", 0),
              at_least("asks pipelined",
                       get("ask pipelined_per_second", asked, ""), 15000, "a second")]
    for way in ("in", "out"):
        found.append(ratio(f"look-up {way}, 1 000 000 rules",
                           get("look-up " + way, "rules", "1000000"),
                           get("look-up " + way, "rules", "1000"), "<=", 1.3,
                           "<= 1.3 x that with 1 000"))
    found.append(at_most("a rule in the translator, 1 000 000 rules",
                         get("bytes", "rules", "1000000"), 200, "bytes", 0))
    ended = "fast" if get("mass longest", "fast", "") is not None else "tun"
    groups = get("mass groups", ended, "")
    lost = get("mass lost", ended, "")
    found.append(at_most("packets of another flow lost while they end", lost, 0,
                         "packets", 0, "0 packets"))
    found.append(at_most(
        f"longest delay of another flow while {MASS:,} leases".replace(",", " ") +
        (f" in {groups:.0f} group{'s' if groups > 1 else ''}" if groups else "") +
        " end",
        get("mass longest", ended, ""), 5, "ms", 2))
    return [["figure", "target", "reached", "met"], *(t.cells() for t in found)]


def notes(series, calls):
    """What stands in no table."""
    said = []
    for rules in ("1", "1000", "1000000"):
        inward = series.median("look-up in", "rules", rules)
        if inward is not None:
            said.append(f"{rules} rules: look-up and rewrite of a packet in "
                        f"{inward:.0f} ns, out "
                        f"{series.median('look-up out', 'rules', rules):.0f} ns" +
                        (f", {series.median('bytes', 'rules', rules):.0f} bytes a rule."
                         if rules == "1000000" else "."))
    for way in ("fast", "tun"):
        took = series.median("mass took", way, "")
        if took is not None:
            said.append(
                f"The {MASS:,} leases were gone after {took:.0f} ms; ".replace(",", " ") +
                f"{series.median('mass lost', way, ''):.0f} packets were lost meanwhile; "
                f"the longest delay of a quiet run was "
                f"{series.median('quiet longest', way, ''):.2f} ms.")
    if calls:
        cpu, size = calls["cpu_ms_per_call"], calls["bytes_per_standing_call"]
        said.append(f"Calls at {calls['calls_per_second']} a second: " + ", ".join(
            f"{name} {cpu[name]:.2f} ms" for name in cpu) + " of CPU a call.")
        said.append(f"{calls['standing_calls']} standing calls: " + ", ".join(
            f"{name} {size[name]} bytes" for name in size) + " a call.")
    return said


# As text
def plain(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    return "\n".join(lines)


def document(result, side, aims, said):
    about = result["machine"]
    lines = ["# Benchmarks", "",
             f"Written by `{result['command']}`; do not edit.", "",
             *(f"- {key}: {value}" for key, value in about.items()),
             f"- rounds: {result['rounds']}", "",
             "## Side by side", "", markdown(side), "",
             "## Targets", "", markdown(aims), ""]
    if said:
        lines += [*(f"- {text}" for text in said), ""]
    lines += ["## How it is measured", "", HOW.rstrip(), ""]
    return "\n".join(lines)
