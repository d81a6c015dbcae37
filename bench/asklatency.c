/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the time from an ask to the rule being in force, over the control
 * channel: the answer is given when the translator has acknowledged.
 *
 *   asklatency SOCKET INNER-ADDR@REALM OUTER-REALM COUNT
 *
 * COUNT asks of one RTP/RTCP pair each, one after another, each in a group of
 * its own that is released at once; then COUNT asks kept 64 deep in flight.
 * Prints one JSON object.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"
#include "natctl/client/natctl.h"

#define PORTS 20000 /* inner ports in use, even ones from 10000 */
#define DEPTH 64

struct bench {
	struct natctl *natctl; /* owned */
	const char *inner_addr;
	const char *inner_realm;
	const char *outer_realm;
	unsigned next;     /* number of the next ask */
	unsigned answered; /* asks */
	unsigned refused;
};

static void on_ask(const struct natctl_answer *answer, void *arg)
{
	struct bench *bench = arg;

	bench->answered++;
	if (answer->error == 0)
		return;
	bench->refused++;
	fprintf(stderr, "asklatency: %s (%s)\n", answer->message,
		answer->reason);
}

static void on_release(const struct natctl_answer *answer, void *arg)
{
	(void)answer;
	(void)arg;
}

static int ask(struct bench *bench)
{
	char inner[NATCTL_ENDPOINT_TEXT], group[32];
	struct natctl_want want = { .inner = inner,
				    .realm = bench->outer_realm,
				    .ports = 2 };
	struct natctl_ask request = {
		.group = group, .lifetime = 600, .wants = &want, .want_count = 1
	};

	snprintf(inner, sizeof(inner), "%s:%u@%s", bench->inner_addr,
		 10000 + 2 * (bench->next % PORTS), bench->inner_realm);
	snprintf(group, sizeof(group), "bench-%u", bench->next++);
	return natctl_ask(bench->natctl, &request, mono_ms(),
			  (struct natctl_callback){ on_ask, bench }, NULL);
}

static int release(struct bench *bench, unsigned number)
{
	char group[32];

	snprintf(group, sizeof(group), "bench-%u", number);
	return natctl_release(bench->natctl, group, mono_ms(),
			      (struct natctl_callback){ on_release, NULL },
			      NULL);
}

static int compare(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static int one_by_one(struct bench *bench, uint64_t *times, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = mono_ns();

		if (ask(bench) != 0 || natctl_wait(bench->natctl, 5000) != 0)
			return -EIO;
		times[i] = mono_ns() - start;
		if (release(bench, bench->next - 1) != 0 ||
		    natctl_wait(bench->natctl, 5000) != 0)
			return -EIO;
	}
	return 0;
}

static int pipelined(struct bench *bench, unsigned count, double *ret_rate)
{
	uint64_t spent = 0;

	for (unsigned done = 0; done < count; done += DEPTH) {
		unsigned first = bench->next;
		uint64_t start = mono_ns();

		for (unsigned i = 0; i < DEPTH; i++)
			if (ask(bench) != 0)
				return -EIO;
		if (natctl_wait(bench->natctl, 5000) != 0)
			return -EIO;
		spent += mono_ns() - start;
		for (unsigned i = 0; i < DEPTH; i++)
			if (release(bench, first + i) != 0)
				return -EIO;
		if (natctl_wait(bench->natctl, 5000) != 0)
			return -EIO;
	}
	*ret_rate = (double)((count + DEPTH - 1) / DEPTH * DEPTH) * 1e9 /
		    (double)spent;
	return 0;
}

static int run(struct bench *bench, unsigned count)
{
	uint64_t *times = calloc(count, sizeof(*times));
	double rate = 0;
	int error;

	if (times == NULL)
		return -ENOMEM;
	error = natctl_wait(bench->natctl, 5000);
	if (error == 0)
		error = one_by_one(bench, times, count);
	if (error == 0)
		error = pipelined(bench, count, &rate);
	if (error == 0) {
		qsort(times, count, sizeof(*times), compare);
		printf("{\"asks\":%u,\"refused\":%u,\"p50_us\":%.1f,"
		       "\"p99_us\":%.1f,\"pipelined_per_second\":%.0f}\n",
		       bench->answered, bench->refused,
		       (double)times[count / 2] / 1e3,
		       (double)times[count * 99 / 100] / 1e3, rate);
	}
	free(times);
	return error;
}

int main(int argc, char **argv)
{
	struct natctl_hooks hooks = { 0 };
	struct bench bench = { 0 };
	char *at;
	int count, error;

	if (argc != 5 || (at = strchr(argv[2], '@')) == NULL ||
	    (count = atoi(argv[4])) < 100) {
		fprintf(stderr, "usage: asklatency SOCKET INNER-ADDR@REALM "
				"OUTER-REALM COUNT(>=100)\n");
		return 2;
	}
	*at = '\0';
	bench.inner_addr = argv[2];
	bench.inner_realm = at + 1;
	bench.outer_realm = argv[3];
	bench.natctl = natctl_new(argv[1], 5000, &hooks);
	if (bench.natctl == NULL)
		return 1;
	error = run(&bench, (unsigned)count);
	if (error != 0)
		fprintf(stderr, "asklatency: %s\n", strerror(-error));
	natctl_free(bench.natctl);
	return error != 0 || bench.refused != 0;
}
