/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phone: what its parts share, and how SIP requests find them. */
#ifndef PHONE_PHONE_H
#define PHONE_PHONE_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "digest.h"
#include "media.h"
#include "report.h"
#include "transactions.h"

enum phone_auto { AUTO_RING, AUTO_ANSWER, AUTO_NONE };

struct phone_options {
	struct address sip;
	struct address proxy;
	struct address media[MEDIA_STREAMS];
	const char *aor; /* strings belong to argv */
	const char *user;
	const char *password;
	const char *contact_user;
	const char *log_file;
	unsigned n_media;
	unsigned ring_ms;
	unsigned expires;
	enum phone_auto automatic;
	bool early;
	bool late_offer;
};

struct call;
struct exchange;
struct registration;
LIST_HEAD(call_list, call);
LIST_HEAD(exchange_list, exchange);

struct phone {
	const struct phone_options *options; /* not owned */
	struct event_base *base;             /* not owned */
	struct report *report;               /* owned */
	struct wire *wire;                   /* owned */
	struct media *media;                 /* owned */
	struct registration *registration;   /* owned */
	struct transactions transactions;
	struct exchange_list exchanges;
	struct call_list calls;
	struct call *call; /* the last one made or received, in calls; or NULL */
	char *name;        /* owned: user part of the address of record */
	unsigned options_cseq; /* counted up for OPTIONS with credentials */
	char *contact;         /* owned: whole "Contact: ..." line */
};

/* NULL with errno set when an address cannot be bound. The phone keeps the
 * options. */
struct phone *phone_new(struct event_base *base,
			const struct phone_options *options);
void phone_free(struct phone *phone);

/* A request outside a dialog, to the proxy, in a dialog-to-be of its own. */
struct request *phone_request(const struct phone *phone, const char *method,
			      const char *uri, const char *to);
/* Reports "response", also for the 408 that stands for silence (NULL). */
void phone_report_response(struct phone *phone, const char *method,
			   const struct message *response);
void phone_report_request(struct phone *phone, const struct message *request);

#endif
