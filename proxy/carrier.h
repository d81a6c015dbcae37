/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the edge itself does with a trunk: asks by OPTIONS whether it is there,
 * registers, and answers its challenges.
 */
#ifndef VIADUCT_PROXY_CARRIER_H
#define VIADUCT_PROXY_CARRIER_H

#include "proxy/edge.h"
#include "proxy/limit.h"
#include "proxy/transaction.h"
#include "proxy/trunk.h"

#define CARRIER_STREAK 2 /* checks in a row that change what is believed */

struct carriers;

struct carrier {
	struct carriers *carriers; /* parent, not owned */
	const struct trunk *trunk; /* not owned */
	bool is_down;              /* is not asked while others are there */
	bool is_registered;
	unsigned streak;        /* checks that say the contrary of is_down */
	struct client *check;   /* owned; NULL: none under way */
	uint64_t check_ms;      /* when the next one is due */
	size_t address;         /* which one is asked */
	struct client *sign_up; /* owned: REGISTER; NULL: none under way */
	uint64_t sign_up_ms;    /* when the next one is due */
	unsigned failures;      /* of REGISTER, in a row */
	bool is_challenged;     /* the one under way has credentials */
	uint32_t cseq;
	char call_id[40];
	char tag[20];
	struct limit limit;
	uint64_t checks_failed;
	uint64_t challenges; /* answered */
};

/* Starts what the trunks of the list want; they point to it. 0 or -Exxx. */
int carriers_new(su_root_t *root, struct edge *edge, const struct conf *conf,
		 struct trunk_list *trunks, struct carriers **ret_carriers);
void carriers_free(struct carriers *carriers);
/* That of conf->trunks[i]. */
const struct carrier *carriers_at(const struct carriers *carriers, size_t i);

/* Does it give us a user and a password? */
bool carrier_has_login(const struct trunk *trunk);
/*
 * The header line ("Authorization: ..." or "Proxy-...", with CRLF) that
 * answers the challenge of a response to this request, in the home. NULL: the
 * challenge is not the carrier's own, or cannot be answered.
 */
char *carrier_answer(const struct trunk *trunk, msg_t *response,
		     const char *method, const char *uri, su_home_t *home);

#endif
