# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured, way by way. A round's figures are appended to lists; the
medians are made of them when all rounds are through."""

import os
import re
import statistics
import sys
import time

import edge as edges
import netns
import rpc
import ways
from netns import LabError

LOSS = 0.001
IN_FLIGHT = 0.002           # seconds of the load that may be on their way
PROBE_MS = 200
MUCH, HOPELESS = 0.05, 0.2  # lost: hardly a hiccup, none
TRIES = 2                   # of a probe that fails
NEAR = 1.03                 # the search ends when its bounds are so near
CPU_RATE, CPU_MS = 100000, 500
DELAY_RATE, DELAY_MS, DELAY_FLOWS = 5000, 800, 100
OVERLOAD, OVERLOAD_MS = 4, 500
SETTLED_RATE, SETTLED_FLOWS = 20000, 100
CALL_FLOWS, CALL_RATE = 100, 50
MASS = 100000
MASS_ASK = 50              # leases of an ask
LIMIT_REACHED = -32006
LIMIT = 1 << 22             # packets a second that nothing here can do


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


class Series:
    """{(figure, way, load): [a value a round]}"""

    def __init__(self):
        self.values = {}

    def add(self, figure, way, load, value):
        self.values.setdefault((figure, way, load), []).append(value)

    def last(self, figure, way, load):
        values = self.values.get((figure, way, load))
        return values[-1] if values else None

    def median(self, figure, way, load):
        values = self.values.get((figure, way, load))
        return statistics.median(values) if values else None

    def mark(self):
        return {key: len(values) for key, values in self.values.items()}

    def back_to(self, mark):
        """Forgets what was added since the mark."""
        for key, values in list(self.values.items()):
            del values[mark.get(key, 0):]
            if not values:
                del self.values[key]

    def as_json(self):
        return [{"figure": figure, "way": way, "load": load,
                 "median": statistics.median(values), "rounds": values}
                for (figure, way, load), values in self.values.items()]


def named(flows, sides):
    return f"{flows} {'flow' if flows == 1 else 'flows'}, " \
           f"{'one way' if sides == 1 else 'both ways'}"


# Packets a second
def lost_share(tally):
    """What did not come out, or had not yet when the sending ended."""
    offered = tally["sent"] + tally["refused"]
    on_way = IN_FLIGHT * offered / tally["seconds"]
    return max(offered - tally["received"], offered - tally["in_time"] - on_way) / offered


def carries(way, flows, sides, rate, tries):
    """Whether the way carries that rate. Any hiccup of the machine makes a
    loss, so it is looked at again; but where much is lost only in a search
    that has no guess to begin with."""
    for _ in range(tries):
        tally = way.blast("load", sides, flows, round(rate), PROBE_MS)
        share = lost_share(tally)
        if share <= LOSS:
            return tally["sent"] >= 0.97 * rate * tally["seconds"]
        way.mend(flows)
        if share > (MUCH if tries == TRIES else HOPELESS):
            return False
    return False


def best_rate(way, flows, sides, guess):
    """The highest rate with at most LOSS, in packets a second over all
    directions: from a guess up or down with growing steps, then halving."""
    low, high, rate, step = 0, None, guess or 60000, 1.04 if guess else 1.6
    while high is None or low == 0 or high > low * NEAR:
        if carries(way, flows, sides, rate, TRIES if guess else TRIES + 1):
            low = rate
        else:
            high = rate
        if high is not None and low:
            rate = (low * high) ** 0.5
            continue
        rate = rate * step if low else rate / step
        step = step ** 1.5
        if rate < 1000 or rate > LIMIT:
            raise LabError(f"{way.name}: no rate is found with {named(flows, sides)}")
    return round(low)


def measure_rates(way, series, loads):
    for flows, sides in loads:
        load = named(flows, sides)
        best = best_rate(way, flows, sides, series.last("rate", way.name, load))
        series.add("rate", way.name, load, best)
        say(f"{way.name}: {best} packets/s, {load}")


def most_sent(way, series):
    tally = way.blast("load", 1, ways.FLOWS, LIMIT, PROBE_MS)
    series.add("offered", way.name, "", round(
        (tally["sent"] + tally["refused"]) / tally["seconds"]))


# CPU, delay, overload
def whole(way, flows, *words):
    """The tally of a load whose packets came out, but for 1 %; a second and a
    third attempt if not."""
    for _ in range(3):
        tally = way.blast(*words)
        if tally["received"] >= tally["sent"] * 0.99:
            return tally
        way.mend(flows)
    raise LabError(f"{way.name}: {' '.join(map(str, words))}: "
                   f"{tally['received']} of {tally['sent']} packets came out")


def measure_cpu(way, series, loads):
    """Microseconds of all cores a packet; bare delivery is measured first in
    each round."""
    for flows, sides in loads:
        load = named(flows, sides)
        tally = whole(way, flows, "cpu", sides, flows, CPU_RATE, CPU_MS)
        spent = tally["busy_us"] / tally["sent"]
        series.add("busy", way.name, load, round(spent, 3))
        bare = series.last("busy", "bare", load)
        if way.name != "bare":
            series.add("cpu", way.name, load, round(spent - bare, 3))


def measure_delay(way, series):
    tally = whole(way, DELAY_FLOWS, "delay", DELAY_FLOWS, DELAY_RATE, DELAY_MS)
    for point in ("p50", "p99"):
        value = tally[point + "_us"]
        series.add("total " + point, way.name, "", value)
        bare = series.last("total " + point, "bare", "")
        if way.name != "bare":
            series.add("delay " + point, way.name, "", round(value - bare, 2))


def measure_overload(way, series):
    """What comes out in the time of the sending, as a share of the best."""
    best = series.last("rate", way.name, named(ways.FLOWS, 1))
    tally = way.blast("load", 1, ways.FLOWS, OVERLOAD * best, OVERLOAD_MS)
    offered = (tally["sent"] + tally["refused"]) / tally["seconds"]
    series.add("overload", way.name, "",
               round(tally["in_time"] / tally["seconds"] / best, 3))
    series.add("overload offered", way.name, "", round(offered / best, 2))
    way.mend(ways.FLOWS)


def measure_settled(way, series):
    """Settled flows while the TUN is offered OVERLOAD times its best."""
    best = series.last("rate", "tun", named(ways.FLOWS, 1))
    flood = way.closed_load()
    flood.begin("load", 1, ways.FLOWS, OVERLOAD * best, OVERLOAD_MS + 200)
    time.sleep(0.1)
    tally = way.blast("load", 2, SETTLED_FLOWS, SETTLED_RATE, OVERLOAD_MS)
    flood.result()
    flood.end()
    offered = tally["sent"] + tally["refused"]
    series.add("settled lost", way.name, "",
               round((offered - tally["received"]) / offered, 5))


# The control channel
def measure_asks(way, series, count):
    done = netns.run(way.lab.namespace("e"), [
        os.path.join(edges.build_folder(), "bench", "asklatency"),
        way.lab.edges["e"].socket("natctl"), f"{ways.INSIDE}@inside", "outside",
        str(count)], timeout=120)
    if done.returncode:
        raise LabError(f"asklatency: {done.stderr.strip()[-300:]}")
    found = {key: float(value) for key, value in
             re.findall(r'"(\w+)":([\d.]+)', done.stdout)}
    for key in ("p50_us", "p99_us", "pipelined_per_second"):
        series.add("ask " + key, way.name, "", found[key])


def measure_call(way, series, seconds):
    """The share of a call's packets that crossed the TUN: fresh flows, each
    with CALL_RATE packets a second both ways."""
    load = way.fresh_load(CALL_FLOWS)
    before = way.tun_packets()
    tally = load.call("load", 2, CALL_FLOWS, 2 * CALL_FLOWS * CALL_RATE, seconds * 1000)
    load.end()
    series.add("call seconds", way.name, "", seconds)
    series.add("crossed", way.name, "",
               round((way.tun_packets() - before) / tally["sent"], 6))


def ask_mass(channel):
    """MASS leases in as few groups as the control channel allows."""
    groups = ["mass-0"]
    start = 0
    while start < MASS:
        try:
            channel.call("ask", group=groups[-1], lifetime=3600, leases=[
                {"inner": f"1.1.1.{2 + i // 25000}:{1024 + 2 * (i % 25000)}@inside",
                 "realm": "outside", "ports": 1, "kind": "both", "protocol": "udp"}
                for i in range(start, start + MASS_ASK)])
            start += MASS_ASK
            fresh = False
        except rpc.RpcError as error:
            if error.code != LIMIT_REACHED or fresh:
                raise
            groups.append(f"mass-{len(groups)}")
            fresh = True
    return groups


def measure_mass(way, series):
    """The longest delay of another flow while MASS leases end at once, and
    while nothing happens."""
    with way.lab.edges["e"].channel("natctl", timeout=60) as channel:
        groups = ask_mass(channel)
        for name, ending in (("quiet", []), ("mass", groups)):
            way.load.begin("delay", DELAY_FLOWS, DELAY_RATE, 2000)
            time.sleep(0.7)
            began = time.monotonic()
            for group in ending:
                channel.call("release", group=group)
            took = time.monotonic() - began
            tally = way.load.result()
            if tally["received"] < tally["sent"] * 0.9:
                raise LabError(f"{way.name}: {tally['received']} of {tally['sent']} "
                               f"stamped packets came out while leases end")
            series.add(name + " longest", way.name, "", tally["max_us"] / 1000)
            series.add(name + " lost", way.name, "", tally["sent"] - tally["received"])
        series.add("mass took", way.name, "", round(took * 1000, 1))
        series.add("mass groups", way.name, "", len(groups))


# The rules
def measure_rules(series):
    """tests/translator/bench_translate: a look-up and a rule's bytes."""
    program = os.path.join(edges.build_folder(), "tests", "translator", "bench_translate")
    text = netns.command([program], timeout=300)
    for rules, inward, outward, size in re.findall(
            r"(\d+) rules: in +([\d.]+) ns, out +([\d.]+) ns a packet; +(\d+) bytes",
            text):
        series.add("look-up in", "rules", rules, float(inward))
        series.add("look-up out", "rules", rules, float(outward))
        series.add("bytes", "rules", rules, int(size))
