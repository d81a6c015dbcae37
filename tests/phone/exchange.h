/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request until its outcome: answers one challenge, repeats ACKs for 2xx. */
#ifndef PHONE_EXCHANGE_H
#define PHONE_EXCHANGE_H

#include "phone.h"

/* Each response but an answered challenge; NULL for a timeout. An INVITE's 2xx
 * comes once for each To tag. The callback may free the exchange. */
typedef void (*exchange_fn)(struct exchange *exchange,
			    const struct message *response, void *arg);

/* Sends the request (owned from here on). *cseq is counted up when the request
 * is sent again with credentials; it must live as long as the exchange. */
struct exchange *exchange_new(struct phone *phone, struct request *request,
			      unsigned *cseq, exchange_fn fn, void *arg);
void exchange_free(struct exchange *exchange);
/* Frees all exchanges of one arg. */
void exchange_free_of(struct phone *phone, const void *arg);
void exchange_cancel(struct exchange *exchange);
/* The request as last sent. */
const struct request *exchange_request(const struct exchange *exchange);
/* Sends the ACK (owned from here on) for a 2xx of this INVITE, and again for
 * each repetition of that 2xx. */
void exchange_acknowledge(struct exchange *exchange, struct request *ack,
			  const char *to_tag);

#endif
