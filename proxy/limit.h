/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many calls somebody may have, and begin in a second. */
#ifndef VIADUCT_PROXY_LIMIT_H
#define VIADUCT_PROXY_LIMIT_H

#include "common/conf.h"
#include "common/table.h"

enum limit_how {
	LIMIT_NOT, /* it is no call */
	LIMIT_CHECK,
	LIMIT_FORCE, /* an emergency: it counts, and always passes */
};

/* Of one trunk, realm or user. */
struct limit {
	const struct conf_limit *conf; /* not owned */
	unsigned calls;                /* now */
	uint64_t tokens;               /* thousandths of calls */
	uint64_t last_ms;              /* when `tokens` was right */
	uint64_t refused;
};

/* False: it has as many as it may, or too many in this second. */
bool limit_take(struct limit *limit, enum limit_how how, uint64_t now_ms);
void limit_give(struct limit *limit);

#define LIMIT_HELD_MAX 4

/* What a call has taken. All zero is nothing. */
struct admission {
	struct limit *held[LIMIT_HELD_MAX]; /* not owned */
	size_t count;
	struct limit *out; /* of the trunk that it goes to; not owned */
};

bool admission_take(struct admission *admission, struct limit *limit,
		    enum limit_how how, uint64_t now_ms);
void admission_give(struct admission *admission);

/* Those of the realms and users. */
struct limits {
	const struct conf *conf; /* not owned */
	struct limit *realms;    /* owned */
	struct table users;      /* of accounts, so there is an end to them */
	uint64_t seed;
};

int limits_init(struct limits *limits, const struct conf *conf, uint64_t seed);
void limits_done(struct limits *limits);
/* That of an account of ours; NULL: no memory. */
struct limit *limits_user(struct limits *limits, const char *user,
			  const struct conf_domain *domain);

#endif
