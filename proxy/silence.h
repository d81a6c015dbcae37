/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in which nobody sends media any more end (setting media_timeout). */
#ifndef VIADUCT_PROXY_SILENCE_H
#define VIADUCT_PROXY_SILENCE_H

#include "natctl/client/natctl.h"
#include "proxy/call.h"

/* What the manager tells of a lease. */
void silence_event(struct calls *calls, const struct natctl_event *event);
/* The subscription is a new one: what is silent is told anew. */
void silence_forget(struct calls *calls);
/* The call is established; from now on media is waited for. */
void silence_begin(struct call *call);
/* Its time has come. True: the call has ended, and perhaps been freed. */
bool silence_tick(struct call *call, uint64_t now_ms);

#endif
