/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the users of our domains can be reached (RFC 3261 10.3). */
#ifndef VIADUCT_PROXY_LOCATION_H
#define VIADUCT_PROXY_LOCATION_H

#include "common/endpoint.h"
#include "common/list.h"
#include "common/table.h"

#define LOCATION_CONTACTS_MAX 10 /* bindings of one AOR */
#define LOCATION_AORS_MAX     65536
#define LOCATION_URI_MAX      1024 /* bytes of a contact's URI */

/* One contact of an AOR. Texts are owned. */
struct location_binding {
	struct list node;         /* in location_aor.bindings, best q first */
	struct location_aor *aor; /* not owned */
	char *uri;                /* as the phone wrote it, without <> */
	char *instance;           /* +sip.instance, or NULL */
	unsigned reg_id;          /* 0: none */
	char *call_id;
	uint32_t cseq;
	unsigned q;               /* 0..1000 */
	uint64_t expires_ms;      /* on the clock of `now_ms` */
	struct endpoint received; /* whence the REGISTER came, with realm */
	size_t listen;            /* slot of the listener it came to */
	uint64_t id;              /* of this registration alone */
	uint64_t probe_ms;        /* when it was asked last; 0: not yet */
	uint64_t connection;      /* by which alone it is reached; 0: any way */
};

struct location_aor {
	struct table_node node; /* in location.aors */
	struct list bindings;   /* of struct location_binding */
	size_t count;
	char aor[]; /* "user@domain", the domain in lower case */
};

struct location {
	struct table aors; /* owned */
	uint64_t seed;
	size_t binding_count;
	uint64_t last_id;
	uint32_t expires_min; /* seconds */
	uint32_t expires_max;
	uint32_t expires_default;
};

/* A contact of a REGISTER. Texts are not owned. */
struct location_contact {
	const char *uri;
	const char *instance; /* or NULL */
	unsigned reg_id;
	unsigned q;       /* 0..1000; 1000 where not given */
	uint32_t expires; /* seconds; LOCATION_EXPIRES_NONE: not given */
};
#define LOCATION_EXPIRES_NONE UINT32_MAX

struct location_request {
	const char *user;
	const char *domain;
	const struct location_contact *contacts;
	size_t contact_count; /* 0: a query */
	bool star;            /* "Contact: *" */
	uint32_t expires;     /* of the Expires header, or EXPIRES_NONE */
	const char *call_id;
	uint32_t cseq;
	struct endpoint received;
	size_t listen;
	uint64_t connection;
	uint64_t now_ms;
};

enum location_result {
	LOCATION_OK,
	/* 400: a star with others or with expires > 0, a contact twice */
	LOCATION_INVALID,
	LOCATION_TOO_BRIEF, /* 423 with Min-Expires */
	LOCATION_OLD,       /* 500: same Call-ID, CSeq not higher */
	LOCATION_TOO_MANY,  /* 403: over the limit of an AOR or of all */
	LOCATION_NO_MEMORY, /* 500 */
};

/* Limits: min 60, max 3600, default 3600 seconds. 0 or -ENOMEM. */
int location_init(struct location *location, uint64_t seed);
void location_done(struct location *location);

/* A REGISTER: all of its contacts or none. */
enum location_result location_register(struct location *location,
				       const struct location_request *request);
/*
 * NULL: no binding that is not expired. Good until the next call that changes
 * something. Bindings past their time are removed here.
 */
struct location_aor *location_find(struct location *location, const char *user,
				   const char *domain, uint64_t now_ms);
/* Its connection is gone. The AOR is gone with its last binding. */
void location_remove(struct location *location,
		     struct location_binding *binding);
/* That with this id, or NULL. */
struct location_binding *location_by_id(struct location *location,
					const char *aor, uint64_t id);
/* Seconds left, rounded up. */
uint32_t location_left(const struct location_binding *binding, uint64_t now_ms);
/* Removes what is past its time; how many. */
size_t location_expire(struct location *location, uint64_t now_ms);

#define location_binding_of(pos) \
	container_of((pos), struct location_binding, node)

#endif
