/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes addresses out of headers that the other side may not see. */
#ifndef VIADUCT_PROXY_HIDE_H
#define VIADUCT_PROXY_HIDE_H

#include "common/conf.h"

#define HIDE_KEY_SIZE 32

/* How a header is treated; sip.md has the table. */
enum hide_kind {
	HIDE_NOT,      /* passes byte for byte */
	HIDE_ADDRESS,  /* URIs: hosts become ours, the user part is kept */
	HIDE_TEXT,     /* Warning: addresses become ours */
	HIDE_DROP,     /* free text: goes, if there is such an address in it */
	HIDE_CALL_ID,  /* one Call-ID */
	HIDE_CALL_IDS, /* Call-IDs with commas, each with ;parameters */
};

/* May the address be told to the party that the text goes to? */
typedef bool (*hide_shown_fn)(const struct ip_addr *addr, void *arg);

struct hide {
	hide_shown_fn shown;
	void *arg;
	const char *host;   /* stands in for a hidden one; IPv6 in brackets */
	uint16_t port;      /* stands in for the port behind a hidden host */
	const uint8_t *key; /* HIDE_KEY_SIZE bytes, for Call-IDs */
};

/*
 * For `shown`, with a struct hide_view as arg: an address that a party of
 * `from` uses is shown in `to` if it is addressed in `to` or in a realm that
 * `to` reaches.
 */
struct hide_view {
	const struct conf *conf;
	realm_id from;
	realm_id to;
};
bool hide_shown_in_view(const struct ip_addr *addr, void *view);

/* By the name of a header, long or compact, in any case. */
enum hide_kind hide_kind_of(const char *name);

enum hide_result {
	HIDE_SAME,    /* the value stays as it is */
	HIDE_CHANGED, /* there is a new value */
	HIDE_DROPPED, /* the header must not pass at all */
	HIDE_NO_MEMORY,
};

/*
 * The value as the other side may see it; only HIDE_CHANGED sets *ret, which
 * is the caller's to free. Addresses are dotted IPv4 and bracketed IPv6.
 * Call-IDs (also in Refer-To's ?Replaces=) that hold a hidden address become
 * a keyed word, and such a word of ours becomes the Call-ID again where that
 * may be seen.
 */
enum hide_result hide_value(const struct hide *hide, enum hide_kind kind,
			    const char *value, char **ret);

#endif
