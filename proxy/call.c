/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls: two legs, their dialogs, requests and leases. */
#define SU_TIMER_ARG_T struct call
#include "proxy/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/exchange.h"
#include "proxy/hunt.h"
#include "proxy/relay.h"
#include "proxy/silence.h"

static struct dialog *dialog_of(struct list *node)
{
	return container_of(node, struct dialog, node);
}

int calls_init(struct calls *calls)
{
	random_bytes(&calls->seed, sizeof(calls->seed));
	random_bytes(calls->hide_key, sizeof(calls->hide_key));
	if (table_init(&calls->by_token) < 0)
		return -ENOMEM;
	if (table_init(&calls->by_branch) < 0) {
		table_done(&calls->by_token);
		return -ENOMEM;
	}
	return 0;
}

void calls_done(struct calls *calls)
{
	struct table_node *pos;

	while ((pos = table_next(&calls->by_token, NULL)) != NULL)
		call_free(container_of(pos, struct call, by_token));
	table_done(&calls->by_token);
	table_done(&calls->by_branch);
}

static bool token_equal(const struct table_node *node, const void *key)
{
	const struct call *call = container_of(node, struct call, by_token);

	return memcmp(call->token, key, CALL_TOKEN_TEXT - 1) == 0;
}

struct call *call_of_token(const struct calls *calls, const char *token)
{
	struct table_node *node;

	if (strlen(token) != CALL_TOKEN_TEXT - 1)
		return NULL;
	node = table_find(&calls->by_token,
			  hash_bytes(token, CALL_TOKEN_TEXT - 1, calls->seed),
			  token_equal, token);
	return node == NULL ? NULL : container_of(node, struct call, by_token);
}

struct leg *call_find(const struct calls *calls, const char *user)
{
	struct table_node *node;
	struct call *call;

	if (user == NULL || strlen(user) != CALL_USER_TEXT - 1)
		return NULL;
	node = table_find(&calls->by_token,
			  hash_bytes(user, CALL_TOKEN_TEXT - 1, calls->seed),
			  token_equal, user);
	if (node == NULL)
		return NULL;
	call = container_of(node, struct call, by_token);
	switch (user[CALL_TOKEN_TEXT - 1]) {
	case 'a':
		return &call->legs[CALL_A];
	case 'b':
		return &call->legs[CALL_B];
	default:
		return NULL;
	}
}

static void init_legs(struct call *call, const struct flow *from,
		      const struct flow *to)
{
	call->legs[CALL_A].call = call;
	call->legs[CALL_A].side = CALL_A;
	call->legs[CALL_A].flow = *from;
	call->legs[CALL_B].call = call;
	call->legs[CALL_B].side = CALL_B;
	call->legs[CALL_B].flow = *to;
}

struct call *call_new(struct calls *calls, const struct flow *from,
		      const struct flow *to, const sip_t *sip)
{
	struct call *call;
	struct dialog *root;
	uint64_t random[2];

	if (calls->by_token.count >= CALLS_MAX)
		return NULL;
	call = calloc(1, sizeof(*call));
	root = calloc(1, sizeof(*root));
	if (call == NULL || root == NULL)
		goto no_memory;
	call->home = su_home_new(sizeof(*call->home));
	call->timer = su_timer_create(su_root_task(calls->root), 0);
	if (call->home == NULL || call->timer == NULL)
		goto no_memory;
	call->calls = calls;
	call->is_invite = sip->sip_request->rq_method == sip_method_invite;
	random_bytes(random, sizeof(random));
	snprintf(call->token, sizeof(call->token), "%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1]);
	snprintf(call->group, sizeof(call->group), "call-%s", call->token);
	init_legs(call, from, to);
	call->legs[CALL_A].call_id = su_strdup(call->home,
					       sip->sip_call_id->i_id);
	list_init(&call->dialogs);
	list_init(&call->relays);
	list_init(&call->jobs);
	grants_init(&call->grants);
	call->start_ms = mono_ms();
	call->refresh_ms = call->start_ms + NATLINK_REFRESH_MS;
	call->end_ms = UINT64_MAX;
	call->silence_ms = UINT64_MAX;
	call->silence_due_ms = UINT64_MAX;
	root->call = call;
	list_add_tail(&call->dialogs, &root->node);
	call->dialog_count = 1;
	table_add(&calls->by_token, &call->by_token,
		  hash_bytes(call->token, CALL_TOKEN_TEXT - 1, calls->seed));
	calls->counters.started++;
	return call;
no_memory:
	if (call != NULL && call->timer != NULL)
		su_timer_destroy(call->timer);
	if (call != NULL && call->home != NULL)
		su_home_unref(call->home);
	free(call);
	free(root);
	return NULL;
}

static void dialog_free(struct dialog *dialog)
{
	dialog->call->dialog_count--;
	list_remove(&dialog->node);
	free(dialog->answer.body);
	free(dialog);
}

void dialog_end(struct dialog *dialog)
{
	dialog->is_gone = true;
	dialog->is_confirmed = false;
	session_forget(&dialog->session);
}

void call_free(struct call *call)
{
	struct list *pos, *tmp;

	relay_give_up(call);
	list_for_each_safe(pos, tmp, &call->relays)
		relay_free(container_of(pos, struct relay, node));
	list_for_each_safe(pos, tmp, &call->dialogs)
		dialog_free(dialog_of(pos));
	admission_give(&call->admission);
	hunt_free(call->hunt);
	grants_done(&call->grants);
	table_remove(&call->calls->by_token, &call->by_token);
	su_timer_destroy(call->timer);
	su_home_unref(call->home);
	free(call);
}

struct dialog *dialog_find(const struct call *call, const char *tag)
{
	struct list *pos;

	list_for_each(pos, &call->dialogs) {
		struct dialog *dialog = dialog_of(pos);

		if (!dialog->is_gone &&
		    (dialog->tag == NULL || tag == NULL ?
			     dialog->tag == tag :
			     strcasecmp(dialog->tag, tag) == 0))
			return dialog;
	}
	return NULL;
}

struct dialog *dialog_for_tag(struct call *call, const char *tag)
{
	struct dialog *dialog = dialog_find(call, tag);
	struct dialog *root;
	char *param;

	if (dialog != NULL)
		return dialog;
	root = dialog_find(call, NULL);
	if (root == NULL || call->dialog_count >= CALL_DIALOGS_MAX)
		return NULL;
	dialog = malloc(sizeof(*dialog));
	if (dialog == NULL)
		return NULL;
	*dialog = *root;
	memset(&dialog->answer, 0, sizeof(dialog->answer));
	dialog->tag = su_strdup(call->home, tag);
	param = su_sprintf(call->home, "tag=%s", tag);
	dialog->local[CALL_A] = sip_from_dup(call->home, root->local[CALL_A]);
	dialog->remote[CALL_B] = sip_to_dup(call->home, root->remote[CALL_B]);
	if (dialog->tag == NULL || param == NULL ||
	    dialog->local[CALL_A] == NULL || dialog->remote[CALL_B] == NULL ||
	    sip_from_tag(call->home, dialog->local[CALL_A], param) < 0 ||
	    sip_to_tag(call->home, dialog->remote[CALL_B], param) < 0) {
		free(dialog);
		return NULL;
	}
	list_add_tail(&call->dialogs, &dialog->node);
	call->dialog_count++;
	return dialog;
}

void call_choose(struct call *call, const struct dialog *winner)
{
	struct list *pos;

	list_for_each(pos, &call->dialogs) {
		struct dialog *dialog = dialog_of(pos);

		if (dialog != winner && !dialog->is_confirmed &&
		    dialog->tag != NULL)
			dialog_end(dialog);
	}
}

void call_establish(struct call *call, struct dialog *winner)
{
	if (call->state == CALL_SETUP)
		call->calls->counters.answered++;
	if (call->state < CALL_ENDING)
		call->state = CALL_ESTABLISHED;
	winner->is_confirmed = true;
	silence_begin(call);
}

void call_hang_up(struct call *call)
{
	if (call->state >= CALL_ENDING)
		return;
	call->state = CALL_ENDING;
	call->end_ms = mono_ms() + CALL_BYE_MS;
	relay_give_up(call);
}

void call_end(struct call *call)
{
	struct list *pos;

	if (call->state == CALL_ENDED)
		return;
	call->state = CALL_ENDED;
	admission_give(&call->admission);
	call->end_ms = UINT64_MAX;
	relay_give_up(call);
	list_for_each(pos, &call->dialogs)
		session_forget(&dialog_of(pos)->session);
	grants_done(&call->grants);
	if (call->has_group)
		natlink_release(call->calls->natlink, call->group);
	call->has_group = false;
}

static bool is_dialog_used(const struct call *call, const struct dialog *dialog)
{
	struct list *pos;

	list_for_each(pos, &call->relays)
		if (container_of(pos, struct relay, node)->dialog == dialog)
			return true;
	return false;
}

/* Nobody refers to them any more; the queue is empty. */
static void free_gone_dialogs(struct call *call)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &call->dialogs) {
		struct dialog *dialog = dialog_of(pos);

		if (dialog->is_gone && call->dialog_count > 1 &&
		    !is_dialog_used(call, dialog))
			dialog_free(dialog);
	}
}

static void release_unused(struct call *call)
{
	uint64_t leases[GRANTS_MAX];
	struct list *pos;

	list_for_each(pos, &call->dialogs)
		session_mark(&dialog_of(pos)->session);
	natlink_release_leases(call->calls->natlink, leases,
			       grants_sweep(&call->grants, leases));
}

bool call_settle(struct call *call)
{
	if (call->is_pumping || !list_is_empty(&call->jobs))
		return false;
	if (call->state == CALL_ENDED && list_is_empty(&call->relays)) {
		call_free(call);
		return true;
	}
	free_gone_dialogs(call);
	release_unused(call);
	call_schedule(call);
	return false;
}

static void on_timer(su_root_magic_t *magic, su_timer_t *timer,
		     struct call *call)
{
	uint64_t now = mono_ms();

	(void)magic;
	(void)timer;
	if (now >= call->end_ms)
		call_end(call);
	if (call->has_group && now >= call->refresh_ms) {
		natlink_refresh(call->calls->natlink, call->group);
		call->refresh_ms = now + NATLINK_REFRESH_MS;
	}
	if (silence_tick(call, now) || hunt_tick(call, now))
		return;
	if (!relay_tick(call, now))
		call_schedule(call);
}

void call_schedule(struct call *call)
{
	uint64_t due = call->has_group ? call->refresh_ms : UINT64_MAX;
	uint64_t now = mono_ms();
	struct list *pos;

	if (call->end_ms < due)
		due = call->end_ms;
	if (call->silence_due_ms < due)
		due = call->silence_due_ms;
	if (call->hunt != NULL && call->hunt->due_ms < due)
		due = call->hunt->due_ms;
	list_for_each(pos, &call->relays) {
		struct relay *relay = container_of(pos, struct relay, node);

		if (relay->end_ms < due)
			due = relay->end_ms;
	}
	if (due == UINT64_MAX) {
		su_timer_reset(call->timer);
		return;
	}
	su_timer_set_interval(call->timer, on_timer, call,
			      due > now ? (su_duration_t)(due - now) + 1 : 1);
}
