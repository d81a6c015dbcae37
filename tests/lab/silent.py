# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls in which nobody sends media any more (media_timeout)."""

import time

from calls import Pair, finish, first_packets, hang_up, talk
from context import require

TIMEOUT = 4         # as in the case
LATE_SECONDS = 4.0  # silence is found up to two seconds late; a loaded machine


def ended_after(a, b, since):
    """Both were told, by a BYE that says why; how many seconds it took."""
    for phone in (a, b):
        phone.wait("ended", timeout=TIMEOUT + LATE_SECONDS)
        byes = phone.messages("received", "BYE")
        require(byes and 'text="media timeout"' in byes[-1],
                f"phone {phone.setup.name}: no BYE that says why")
    return time.monotonic() - since


def still_up(*phones):
    for phone in phones:
        require(not any(event["event"] == "ended" for event in phone.events),
                f"phone {phone.setup.name}: the call has ended")


def media_timeout(context):
    context.lab.take()
    with context.test("one_direction_is_enough"):
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            a.tell("media start")
            time.sleep(TIMEOUT + LATE_SECONDS + 1)
            still_up(a, b)
            a.tell("media stop")
            hang_up(a, b)
        finish(context)
    with context.test("silence_ends_the_call"):
        with Pair(context) as (a, b):
            talk(a, b)
            for phone in (a, b):
                phone.tell("media start")
            time.sleep(TIMEOUT + 1)
            still_up(a, b)
            for phone in (a, b):
                phone.tell("media stop")
            took = ended_after(a, b, time.monotonic())
            require(took > TIMEOUT - 1, f"it ended after {took:.1f} s")
        finish(context)
    with context.test("so_does_media_that_never_comes"):
        with Pair(context) as (a, b):
            talk(a, b)
            took = ended_after(a, b, time.monotonic())
            require(took > TIMEOUT - 0.5, f"it ended after {took:.1f} s")
        finish(context)
