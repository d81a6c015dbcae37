/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: requests to the address manager, a line each. What it grants
 * must be rules that the translator takes, and its accounts must close.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/rpc.h"
#include "common/rulewire.h"
#include "natctl/manager.h"
#include "tests/fuzz/fuzz.h"

#define LATER_MS    (48 * 3600 * UINT64_C(1000)) /* more than any lifetime */
#define CHANGES_MAX 1024

static const char configuration[] =
	"realm inside  { interface = eth1 networks = {\"2.0.0.0/8\"}"
	" reaches = {\"outside\"} }\n"
	"realm outside { interface = eth0 pool = {\"3.3.3.0/30:1024-65535\"}"
	" }\n"
	"pool billing  { realm = outside"
	" endpoints = {\"20.20.20.16/28:2000-2999\"} }\n";

/* Changes under way, ended after each request. */
static struct {
	translator_done_fn done;
	void *arg;
} under_way[CHANGES_MAX];
static size_t under_way_count;

static void add_change(translator_done_fn done, void *arg)
{
	fuzz_require(under_way_count < CHANGES_MAX, "there is room");
	under_way[under_way_count].done = done;
	under_way[under_way_count++].arg = arg;
}

/* Through the record and back: every invariant of a rule is checked there. */
static int put_rules(void *link, const struct rule *rules, size_t count,
		     translator_done_fn done, void *arg)
{
	static uint8_t data[WIRE_MAX];
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	struct wire_head head = { .seq = 1, .type = WIRE_PUT };
	struct wire_writer writer;
	struct wire_reader reader;
	struct rule read;

	(void)link;
	fuzz_require(wire_begin(&writer, data, sizeof(data), head) == 0,
		     "there is room for a record");
	for (size_t i = 0; i < count; i++)
		fuzz_require(wire_add_rule(&writer, &rules[i]) == 0,
			     "a request's rules fit a record");
	fuzz_require(wire_open(&reader, data, writer.used) == 0,
		     "a record can be read");
	for (size_t i = 0; i < count; i++)
		fuzz_require(wire_read_rule(&reader, conditions,
					    RULE_CONDITIONS_MAX, &read) == 0,
			     "a rule is a valid one");
	add_change(done, arg);
	return 0;
}

static int remove_rules(void *link, const uint64_t *ids, size_t count,
			translator_done_fn done, void *arg)
{
	(void)link;
	for (size_t i = 0; i < count; i++)
		fuzz_require(ids[i] != 0, "a rule has an id");
	add_change(done, arg);
	return 0;
}

static bool is_up(const void *link)
{
	(void)link;
	return true;
}

static const struct translator_ops ops = { .put = put_rules,
					   .remove = remove_rules,
					   .is_up = is_up };

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)endpoint;
	(void)arg;
	return true;
}

static void end_changes(uint64_t now_ms)
{
	size_t count = under_way_count;

	under_way_count = 0;
	for (size_t i = 0; i < count; i++)
		under_way[i].done(0, now_ms, under_way[i].arg);
}

static void take_answer(struct manager_answer *answer, void *arg)
{
	bool *answered = arg;

	fuzz_require(answer->result != NULL || answer->fault.code != 0,
		     "an answer is a result or a fault");
	json_decref(answer->result);
	*answered = true;
}

static void run_line(struct manager *manager, const char *line, size_t len)
{
	struct manager_request request = { .uid = 0 };
	struct manager_answer answer;
	struct rpc_request parsed;
	bool answered = false;
	const char *error;
	json_t *id;

	if (rpc_request_parse(line, len, &parsed, &id, &error) != 0) {
		json_decref(id);
		return;
	}
	request.method = parsed.method;
	request.params = parsed.params;
	if (manager_request(manager, &request, 1000, take_answer, &answered,
			    &answer) == 0)
		take_answer(&answer, &answered);
	end_changes(1000);
	fuzz_require(answered, "every request is answered");
	rpc_request_done(&parsed);
}

static json_int_t number(json_t *pool, const char *name)
{
	return json_integer_value(json_object_get(pool, name));
}

static void check_accounts(struct manager *manager, bool empty)
{
	struct manager_request request = { .method = "pools" };
	struct manager_answer answer;
	json_t *pools;

	fuzz_require(manager_request(manager, &request, 1000, NULL, NULL,
				     &answer) == 0,
		     "pools are told at once");
	pools = json_object_get(answer.result, "pools");
	for (size_t i = 0; i < json_array_size(pools); i++) {
		json_t *pool = json_array_get(pools, i);

		fuzz_require(number(pool, "free") + number(pool, "leased") +
					     number(pool, "held") ==
				     number(pool, "endpoints"),
			     "an account closes");
		fuzz_require(!empty || number(pool, "free") ==
					       number(pool, "endpoints"),
			     "everything comes back");
	}
	json_decref(answer.result);
}

static struct conf *read_conf(void)
{
	char path[64];
	struct conf *conf;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	fuzz_require(fd >= 0 &&
			     write(fd, configuration, strlen(configuration)) ==
				     (ssize_t)strlen(configuration),
		     "there is memory for the text");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = conf_read(path, stderr);
	close(fd);
	fuzz_require(conf != NULL, "the configuration is one");
	return conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf = read_conf();
	struct manager_options options = { .conf = conf,
					   .seed = 1,
					   .epoch = 1,
					   .translator = { &ops, NULL },
					   .is_own = is_own };
	struct manager *manager = manager_new(&options);
	const char *line = (const char *)data;
	const char *stop = line + size;

	fuzz_require(manager != NULL, "there is memory");
	while (line < stop) {
		const char *next = memchr(line, '\n', (size_t)(stop - line));

		if (next == NULL)
			next = stop;
		run_line(manager, line, (size_t)(next - line));
		line = next + 1;
	}
	check_accounts(manager, false);
	for (uint64_t i = 1; i <= 3; i++) {
		manager_tick(manager, i * LATER_MS);
		end_changes(i * LATER_MS);
	}
	check_accounts(manager, true);
	manager_free(manager);
	conf_free(conf);
	return 0;
}
