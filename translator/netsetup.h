/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the translator needs of the host: TUNs, routes, proxy ARP, sysctls, the
 * nft rulesets. Made at start, checked, undone by an explicit teardown only.
 *
 * It fails closed. The guard is the first thing that is loaded and the last
 * that goes; forwarding is switched on last. When the translator ends, in
 * whatever way, everything stays: packets are drawn into TUNs that nobody
 * reads, and die there.
 */
#ifndef VIADUCT_TRANSLATOR_NETSETUP_H
#define VIADUCT_TRANSLATOR_NETSETUP_H

#include <stdio.h>

#include "common/conf.h"

/* Descriptors: a queue of each realm's TUN for each worker. */
struct netsetup_tuns {
	size_t count; /* of workers */
	int fds[CONF_WORKERS_MAX][REALM_MAX];
};

/*
 * Opens the queues for tuns->count workers. May be called again after
 * an end of any kind: takes over what is there and removes what the present
 * configuration does not want. What fails goes to `errors`, a line each; no
 * TUN is open then, and -Exxx. The caller is the only one who does this for
 * the configuration's rundir. *ret_fastpath: the kernel is set up to translate
 * settled flows; false: not wanted, or it cannot.
 */
int netsetup_start(const struct conf *conf, FILE *errors,
		   struct netsetup_tuns *tuns, bool *ret_fastpath);
/* The host as it was before the first start. */
int netsetup_teardown(const struct conf *conf, FILE *errors);

#endif
