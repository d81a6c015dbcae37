/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All TCP and TLS connections: the ports on which they come in, those that are
 * dialled, and how many there may be for how long.
 */
#ifndef VIADUCT_PROXY_STREAMS_H
#define VIADUCT_PROXY_STREAMS_H

#include <sofia-sip/su_wait.h>

#include "common/conf.h"
#include "proxy/certs.h"

#define STREAM_NONE 0 /* the id of no connection */

struct streams;
struct stream_port; /* one address on which connections come in */

struct streams_counters {
	size_t open;
	uint64_t accepted;
	uint64_t dialled;
	uint64_t refused;   /* over a limit */
	uint64_t malformed; /* closed for what came on them */
	uint64_t silent;    /* closed: no (whole) message in time */
	uint64_t slow;      /* closed: does not read */
	uint64_t idle;
};

/* Must be there before the library's agents, and longer. 0 or -Exxx. */
int streams_new(su_root_t *root, const struct conf *conf, struct certs *certs,
		struct streams **ret_streams);
void streams_free(struct streams *streams);

/*
 * The library's next listen() becomes this listener's port; `device`: its
 * realm's, or NULL. NULL: no memory.
 */
struct stream_port *streams_port(struct streams *streams, size_t listen,
				 enum conf_transport transport,
				 const char *device);

/* The connection with this peer, or STREAM_NONE. */
uint64_t streams_find(const struct stream_port *port,
		      const struct endpoint *peer);
/* Is it there, and with this peer? */
bool streams_has(const struct stream_port *port, uint64_t id,
		 const struct endpoint *peer);
/* The trunk that its certificate shows, or SIZE_MAX. */
size_t streams_trunk_of(const struct stream_port *port, uint64_t id,
			const struct endpoint *peer);

/*
 * Between the two, the library may connect: from that port, to `trunk` (for
 * TLS; SIZE_MAX: none), within that time.
 */
void streams_dial_begin(struct stream_port *port, size_t trunk,
			unsigned timeout_ms);
void streams_dial_end(struct stream_port *port);

const struct streams_counters *streams_counters(const struct streams *streams);

#endif
