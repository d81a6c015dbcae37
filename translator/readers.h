/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that read what another one changes (liburcu, the flavour of
 * membarrier: a reader pays for no barrier, and waits for nobody).
 */
#ifndef VIADUCT_TRANSLATOR_READERS_H
#define VIADUCT_TRANSLATOR_READERS_H

/* The calling thread may read from now on; no more. */
void readers_join(void);
void readers_leave(void);

/* What is read between the two is not freed until the second. Not nested. */
void readers_begin(void);
void readers_end(void);

/*
 * Returns when every reader that had begun has come to its end. Not from
 * between the two. A ruleset_wait_fn.
 */
void readers_wait(void *arg);

#endif
