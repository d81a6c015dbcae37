/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of natctl's link (common/rulewire.h): rules in, acknowledgements
 * out. One natctl at a time; rules outlive it. A change is made before its
 * acknowledgement is sent, and no packet that saw the rules of before is still
 * on its way then (ruleset_share), so an acknowledged change holds for every
 * later packet; so it does for those that the kernel translates (fastpath.h).
 */
#ifndef VIADUCT_TRANSLATOR_LINK_H
#define VIADUCT_TRANSLATOR_LINK_H

#include "common/conf.h"
#include "common/rulewire.h"
#include "translator/ruleset.h"

struct event_base;
struct fastpath;
struct link;

/*
 * Listens, but takes no natctl before link_start. 0 or -Exxx; -EADDRINUSE: a
 * translator lives on that path.
 */
int link_new(const char *path, const struct conf *conf, uint64_t epoch,
	     struct link **ret_link);
/*
 * What natctl changes is taken back from this one before it is acknowledged.
 * Not owned; NULL, the default: there is none.
 */
void link_set_fastpath(struct link *link, struct fastpath *fastpath);
/* `ruleset` is changed by what natctl sends, and not owned. */
int link_start(struct link *link, struct event_base *base,
	       struct ruleset *ruleset);
/* To be told to natctl. From any thread. */
void link_latched(struct link *link, const struct wire_latched *latched);
/* Removes the socket. */
void link_free(struct link *link);
bool link_is_up(const struct link *link);

#endif
