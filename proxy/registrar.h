/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains served here: who speaks, and where users can be reached. */
#ifndef VIADUCT_PROXY_REGISTRAR_H
#define VIADUCT_PROXY_REGISTRAR_H

#include "proxy/digest.h"
#include "proxy/edge.h"
#include "proxy/location.h"
#include "proxy/uri.h"

struct registrar {
	const struct conf *conf; /* not owned */
	struct users users;
	struct digest *digest; /* owned */
	struct location location;
	uint64_t registered; /* REGISTERs that were accepted */
	uint64_t challenged;
	uint64_t refused;
};

/* Reads the users files; mistakes go to `errors`. 0 or -Exxx. */
int registrar_init(struct registrar *registrar, const struct conf *conf,
		   FILE *errors);
void registrar_done(struct registrar *registrar);

/*
 * Is the sender the user of one of our domains that From names? True: yes,
 * by digest. Else the request has been answered (403, or a challenge with
 * `status`: 401 or 407) and `msg` is gone.
 */
bool registrar_authenticate(struct registrar *registrar,
			    const struct flow *from, msg_t *msg, sip_t *sip,
			    int status);
/* Answers a REGISTER; takes `msg`. */
void registrar_request(struct registrar *registrar, const struct flow *from,
		       msg_t *msg, sip_t *sip);
/*
 * The bindings to reach a user at, the newest of the highest q first; those
 * whose connection is gone are removed, and of several flows to one phone
 * (RFC 5626) there is the newest alone. `gruu`: that of the Request-URI,
 * whose phone alone is meant, or NULL. How many.
 */
size_t
registrar_find(struct registrar *registrar, struct edge *edge, const char *user,
	       const char *domain, const struct uri_part *gruu,
	       const struct location_binding *ret[LOCATION_CONTACTS_MAX]);

#endif
