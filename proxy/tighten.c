/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings the limits of a call's leases to what its dialogs know. */
#include "proxy/tighten.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proxy/want.h"

struct tighten {
	size_t count;
	struct {
		struct grant *grant; /* the call's */
		struct grant_limits limits;
	} changes[];
};

/* After all that the call's dialogs know; false: they know nothing. */
static bool limits_of(const struct call *call, const struct grant *grant,
		      struct grant_limits *limits)
{
	const realm_id realms[2] = {
		call->legs[CALL_A].flow.listener->realm,
		call->legs[CALL_B].flow.listener->realm,
	};
	struct list *pos;
	bool known = false;

	list_for_each(pos, &call->dialogs) {
		const struct dialog *dialog = container_of(pos, struct dialog,
							   node);

		if (session_limits(&dialog->session, call->calls->conf, realms,
				   grant, known, limits))
			known = true;
	}
	return known;
}

/* NULL: no memory. */
static struct tighten *find_changes(const struct call *call)
{
	struct tighten *tighten;
	struct list *pos;

	tighten = calloc(1, sizeof(*tighten) +
				    call->grants.count *
					    sizeof(tighten->changes[0]));
	if (tighten == NULL)
		return NULL;
	list_for_each(pos, &call->grants.list) {
		struct grant *grant = container_of(pos, struct grant, node);
		struct grant_limits limits;

		memset(&limits, 0, sizeof(limits));
		if (!limits_of(call, grant, &limits) ||
		    grant_limits_equal(&limits, &grant->limits))
			continue;
		tighten->changes[tighten->count].grant = grant;
		tighten->changes[tighten->count++].limits = limits;
	}
	return tighten;
}

static int send_changes(const struct call *call, const struct tighten *tighten,
			struct natctl_callback callback, uint64_t *ret_request)
{
	size_t count = tighten->count;
	struct want_limits *texts = calloc(count, sizeof(*texts));
	struct natctl_change *changes = calloc(count, sizeof(*changes));
	int error = -ENOMEM;

	if (texts == NULL || changes == NULL)
		goto out;
	for (size_t i = 0; i < count; i++) {
		const struct grant *grant = tighten->changes[i].grant;

		want_limits_format(&texts[i], call->calls->conf,
				   &tighten->changes[i].limits);
		changes[i].lease = grant->lease;
		if (grant_limits_latch_anew(&grant->limits,
					    &tighten->changes[i].limits))
			changes[i].latch = texts[i].latch;
		changes[i].no_latch = texts[i].latch[0] == '\0' &&
				      grant->limits.latch.addr.family !=
					      IP_NONE;
		changes[i].conditions = texts[i].conditions;
		changes[i].condition_count = texts[i].count;
		if (texts[i].remote[0] != '\0')
			changes[i].remote = texts[i].remote;
	}
	error = natlink_tighten(call->calls->natlink, changes, count, callback,
				ret_request);
out:
	free(texts);
	free(changes);
	return error;
}

int tighten_start(const struct call *call, struct natctl_callback callback,
		  struct tighten **ret_tighten, uint64_t *ret_request)
{
	struct tighten *tighten = find_changes(call);
	int error;

	if (tighten == NULL)
		return -ENOMEM;
	if (tighten->count == 0) {
		free(tighten);
		return 0;
	}
	error = send_changes(call, tighten, callback, ret_request);
	if (error < 0) {
		free(tighten);
		return error;
	}
	*ret_tighten = tighten;
	return 1;
}

void tighten_done(struct tighten *tighten)
{
	for (size_t i = 0; i < tighten->count; i++)
		tighten->changes[i].grant->limits = tighten->changes[i].limits;
}

static void on_tightened(const struct natctl_answer *answer, void *arg)
{
	(void)arg;
	if (answer->error != 0 && answer->error != -ECANCELED)
		log_warn("natctl: limits of a lease refused: %s %s, it ends "
			 "with its call",
			 answer->message, answer->reason);
}

void tighten_now(const struct call *call)
{
	struct natctl_callback callback = { .on_answer = on_tightened };
	struct tighten *tighten = NULL;
	uint64_t request;

	if (tighten_start(call, callback, &tighten, &request) == 1)
		tighten_done(tighten);
	free(tighten);
}

/* A call that asks again; the call may be gone when the answer comes. */
struct renewal {
	struct calls *calls; /* not owned */
	char user[CALL_USER_TEXT];
	size_t count;
	uint64_t old[GRANTS_MAX]; /* lease ids, in the order asked */
};

static struct grant *grant_of_lease(const struct call *call, uint64_t lease)
{
	struct list *pos;

	list_for_each(pos, &call->grants.list) {
		struct grant *grant = container_of(pos, struct grant, node);

		if (grant->lease == lease)
			return grant;
	}
	return NULL;
}

static void on_renewed(const struct natctl_answer *answer, void *arg)
{
	struct renewal *renewal = arg;
	const struct leg *leg = call_find(renewal->calls, renewal->user);

	if (answer->error != 0 || answer->lease_count != renewal->count) {
		log_warn("call %.32s: leases not renewed: %s %s, no media",
			 renewal->user, answer->message, answer->reason);
	} else if (leg != NULL) {
		for (size_t i = 0; i < renewal->count; i++) {
			struct grant *grant = grant_of_lease(leg->call,
							     renewal->old[i]);

			if (grant != NULL)
				grant->lease = answer->leases[i].id;
		}
	}
	free(renewal);
}

void tighten_renew(struct call *call)
{
	struct natctl_want wants[GRANTS_MAX];
	struct natctl_ask ask = { .group = call->group,
				  .lifetime = NATLINK_LIFETIME,
				  .wants = wants };
	struct natctl_callback callback = { .on_answer = on_renewed };
	struct renewal *renewal;
	struct want *texts;
	struct list *pos;

	if (call->grants.count == 0)
		return;
	renewal = calloc(1, sizeof(*renewal));
	texts = calloc(call->grants.count, sizeof(*texts));
	if (renewal == NULL || texts == NULL) {
		free(renewal);
		free(texts);
		return;
	}
	renewal->calls = call->calls;
	leg_user(&call->legs[CALL_A], renewal->user);
	list_for_each(pos, &call->grants.list) {
		struct grant *grant = container_of(pos, struct grant, node);
		struct want *text = &texts[renewal->count];

		want_format_again(text, call->calls->conf, grant);
		wants[renewal->count] = text->want;
		renewal->old[renewal->count++] = grant->lease;
	}
	ask.want_count = renewal->count;
	callback.arg = renewal;
	if (natlink_ask(call->calls->natlink, &ask, callback, NULL) < 0)
		free(renewal);
	free(texts);
}
