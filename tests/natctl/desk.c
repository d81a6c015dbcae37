/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manager with a translator that the test drives. */
#include "tests/natctl/desk.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"

struct desk desk;

static const char configuration[] = SAMPLE_INSIDE SAMPLE_OUTSIDE(
	"\"3.3.3.0/30:1000-1999\"") "client phone { user = \"4321\" realms = {\"outside\"}"
				    " max_leases = 3 max_lifetime = 600 }\n"
				    "client other { user = \"4322\" realms = {\"outside\"}"
				    " third_party = yes outer = {\"3.3.3.2:1000-1001\"} }\n";

void desk_clear(void)
{
	json_decref(desk.reply.result);
	memset(&desk.reply, 0, sizeof(desk.reply));
}

void desk_on_answer(struct manager_answer *answer, void *arg)
{
	struct desk_reply *to = arg;

	to->count++;
	json_decref(to->result);
	to->result = answer->result;
	to->fault = answer->fault;
}

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)endpoint;
	(void)arg;
	return desk.own;
}

struct manager *desk_new_manager(void)
{
	struct manager_options options = {
		.seed = 3, .epoch = DESK_EPOCH, .owner = OWNER, .is_own = is_own
	};

	options.conf = desk.conf;
	options.translator.ops = &fake_link_ops;
	options.translator.link = &desk.link;
	return manager_new(&options);
}

void desk_begin_with(const char *more)
{
	char text[2048];

	json_set_alloc_funcs(malloc, free);
	(void)snprintf(text, sizeof(text), "%s%s", configuration, more);
	desk.conf = sample_conf(text);
	faults_begin();
	fake_link_init(&desk.link);
	desk.manager = desk_new_manager();
	ck_assert_ptr_nonnull(desk.manager);
	memset(&desk.reply, 0, sizeof(desk.reply));
	desk.now_ms = 1000000;
	desk.own = true;
	desk.client = NULL;
}

void desk_begin(void)
{
	desk_begin_with("");
}

void desk_end(void)
{
	fake_link_done(&desk.link);
	manager_free(desk.manager);
	desk_clear();
	faults_end();
	conf_free(desk.conf);
}

int desk_send(uint32_t uid, const char *method, const char *params)
{
	json_t *json = params == NULL ? NULL : sample_json(params);
	struct manager_request request = { .uid = uid,
					   .client = desk.client,
					   .method = method,
					   .params = json };
	struct manager_answer answer;
	int rc;

	desk_clear();
	rc = manager_request(desk.manager, &request, desk.now_ms,
			     desk_on_answer, &desk.reply, &answer);
	if (rc == 0) {
		desk.reply.result = answer.result;
		desk.reply.fault = answer.fault;
	}
	ck_assert_int_eq(desk.reply.count, 0);
	json_decref(json);
	return rc;
}

void desk_acknowledge(void)
{
	ck_assert(fake_link_end(&desk.link, 0, desk.now_ms));
}

void desk_grant(uint32_t uid, const char *method, const char *params)
{
	ck_assert_msg(desk_send(uid, method, params) == -EINPROGRESS, "%s",
		      desk.reply.fault.reason);
	desk_acknowledge();
	ck_assert_int_eq(desk.reply.count, 1);
	ck_assert_ptr_nonnull(desk.reply.result);
}

void desk_refuse(uint32_t uid, const char *method, const char *params,
		 enum rpc_code code)
{
	ck_assert_msg(desk_send(uid, method, params) == 0, "taken: %s", params);
	ck_assert_ptr_null(desk.reply.result);
	ck_assert_msg(desk.reply.fault.code == code, "%d %s",
		      desk.reply.fault.code, desk.reply.fault.reason);
}

json_int_t desk_number(const char *name)
{
	return json_integer_value(json_object_get(desk.reply.result, name));
}

void desk_expect(size_t leases, size_t leased, size_t held, size_t rules)
{
	json_t *pool;

	ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
	ck_assert_int_eq(desk_number("leases"), (json_int_t)leases);
	ck_assert_int_eq(desk_send(ROOT, "pools", NULL), 0);
	pool = json_array_get(json_object_get(desk.reply.result, "pools"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "leased")),
			 (json_int_t)leased);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "held")),
			 (json_int_t)held);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "free")),
			 (json_int_t)(4000 - leased - held));
	ck_assert_uint_eq(fake_link_count(&desk.link), rules);
}
