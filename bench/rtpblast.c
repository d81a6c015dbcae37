/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a box with many flows of 172-byte RTP packets, from packet sockets on
 * both its sides, and tells what came out.
 *
 *   rtpblast CORE SIDE SIDE
 *
 * A SIDE is six words, see side.h; the second side's traffic is the opposite
 * direction. Then one command a line, each answered by one JSON object:
 *
 *   load SIDES FLOWS PPS MS     as fast as asked, SIDES 1 (the second side
 *                               only) or 2 (half of it each)
 *   cpu SIDES FLOWS PPS MS      ten times a millisecond what is due, with
 *                               spinners that find out what of the cores is left
 *   delay FLOWS PPS MS          second side, single packets, spinners on
 *
 * "received" is the count of the receiving device once it has not moved for
 * 20 ms, "in_time" what it was at the end of the sending.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/side.h"
#include "bench/spinner.h"
#include "common/mono.h"

#define SIDES     2
#define BURST     16 /* packets that are due before any is sent */
#define SLOT_NS   100000
#define QUIET_MS  20
#define DRAIN_MS  2000
#define WARM_MS   100
#define LINE_SIZE 128

struct load {
	unsigned sides;
	size_t flows;
	uint64_t pps;
	uint64_t ms;
	bool slots; /* sleep between slots in place of looking at the clock */
};

struct tally {
	uint64_t sent;
	uint64_t refused; /* by the device */
	uint64_t in_time;
	uint64_t received;
	uint64_t ns;
	uint64_t drain_ms;
};

static void sleep_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = (time_t)(ns / 1000000000u),
			       .tv_nsec = (long)(ns % 1000000000u) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void sleep_ms(uint64_t ms)
{
	sleep_until(mono_ns() + ms * 1000000u);
}

/* The sides that a load uses: the second one, or both. */
static struct side *first_side(struct side sides[SIDES],
			       const struct load *load)
{
	return sides + SIDES - load->sides;
}

static uint64_t received(struct side sides[SIDES], const struct load *load)
{
	uint64_t sum = 0;

	for (struct side *side = first_side(sides, load); side < sides + SIDES;
	     side++) {
		int64_t count = side_received(side);

		sum += count > 0 ? (uint64_t)count : 0;
	}
	return sum;
}

/* Sends what is due, at most a batch a side; false: nothing was due yet. */
static bool send_due(struct side sides[SIDES], const struct load *load,
		     uint64_t due, struct tally *tally)
{
	uint64_t missing = (due - tally->sent - tally->refused) / load->sides;
	unsigned count = missing > SIDE_BATCH ? SIDE_BATCH : (unsigned)missing;

	if (count == 0 || (!load->slots && count * load->sides < BURST))
		return false;
	for (struct side *side = first_side(sides, load); side < sides + SIDES;
	     side++) {
		unsigned sent = side_send(side, load->flows, count);

		tally->sent += sent;
		tally->refused += count - sent;
	}
	return true;
}

static void send_load(struct side sides[SIDES], const struct load *load,
		      struct tally *tally)
{
	uint64_t start = mono_ns(), length = load->ms * 1000000u, slot = start;

	while ((tally->ns = mono_ns() - start) < length) {
		uint64_t due = tally->ns / 1000 * load->pps / 1000000;

		if (send_due(sides, load, due, tally) || !load->slots)
			continue;
		slot += SLOT_NS;
		sleep_until(slot);
	}
}

static void drain(struct side sides[SIDES], const struct load *load,
		  uint64_t before, struct tally *tally)
{
	uint64_t quiet = 0, last = tally->in_time;

	for (uint64_t ms = 1; quiet < QUIET_MS && ms < DRAIN_MS; ms++) {
		sleep_ms(1);
		tally->received = received(sides, load) - before;
		quiet = tally->received == last ? quiet + 1 : 0;
		if (quiet == 0)
			tally->drain_ms = ms;
		last = tally->received;
	}
}

static struct tally run_load(struct side sides[SIDES], const struct load *load)
{
	struct tally tally = { 0 };
	uint64_t before = received(sides, load);

	send_load(sides, load, &tally);
	tally.in_time = received(sides, load) - before;
	drain(sides, load, before, &tally);
	return tally;
}

static void print_tally(const struct tally *tally)
{
	printf("{\"sent\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"seconds\":%.6f,\"in_time\":%" PRIu64 ",\"received\":%" PRIu64
	       ",\"drain_ms\":%" PRIu64,
	       tally->sent, tally->refused, (double)tally->ns / 1e9,
	       tally->in_time, tally->received, tally->drain_ms);
}

static int on_load(struct side sides[SIDES], const struct load *load)
{
	struct tally tally = run_load(sides, load);

	print_tally(&tally);
	puts("}");
	return 0;
}

static int on_cpu(struct side sides[SIDES], const struct load *load)
{
	struct spinner *spinner = spinner_new();
	struct load warm = *load;
	struct tally tally = { 0 };
	uint64_t start, idle, wall, before;

	if (spinner == NULL)
		return -ENOMEM;
	warm.ms = WARM_MS;
	send_load(sides, &warm, &tally);
	tally = (struct tally){ 0 };
	before = received(sides, load);
	start = mono_ns();
	idle = spinner_idle_ns(spinner);
	send_load(sides, load, &tally);
	idle = spinner_idle_ns(spinner) - idle;
	wall = (mono_ns() - start) * spinner_cores(spinner);
	spinner_free(spinner);
	tally.in_time = received(sides, load) - before;
	drain(sides, load, before, &tally);
	print_tally(&tally);
	printf(",\"busy_us\":%.1f}\n", (double)(wall - idle) / 1e3);
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void hear_all(const struct side *side, int64_t *delays, size_t max,
		     size_t *count)
{
	int64_t delay;

	while ((delay = side_hear(side)) >= 0)
		if (delay > 0 && *count < max)
			delays[(*count)++] = delay;
}

static void print_delays(int64_t *delays, size_t count, size_t sent)
{
	double at[3] = { 0 };

	qsort(delays, count, sizeof(*delays), compare);
	if (count > 0) {
		at[0] = (double)delays[count / 2] / 1e3;
		at[1] = (double)delays[count * 99 / 100] / 1e3;
		at[2] = (double)delays[count - 1] / 1e3;
	}
	printf("{\"sent\":%zu,\"received\":%zu,\"p50_us\":%.2f,"
	       "\"p99_us\":%.2f,\"max_us\":%.2f}\n",
	       sent, count, at[0], at[1], at[2]);
}

static int on_delay(struct side *side, char *const args[SIDE_ARGS],
		    const struct load *load)
{
	size_t max = load->pps * load->ms / 1000, sent = 0, count = 0;
	uint64_t gap = 1000000000u / load->pps, at;
	struct spinner *spinner = NULL;
	int64_t *delays = calloc(max + 1, sizeof(*delays));
	int err = delays == NULL ? -ENOMEM : side_listen(side, args);

	if (err == 0 && (spinner = spinner_new()) == NULL)
		err = -ENOMEM;
	if (err != 0)
		goto out;
	at = mono_ns();
	for (size_t i = 0; i < max; i++) {
		at += gap;
		sleep_until(at);
		sent += side_send_stamped(side, load->flows);
		hear_all(side, delays, max, &count);
	}
	sleep_ms(QUIET_MS);
	hear_all(side, delays, max, &count);
	print_delays(delays, count, sent);
out:
	spinner_free(spinner);
	side_deafen(side);
	free(delays);
	return err;
}

static int on_command(const char *line, struct side sides[SIDES], char **args)
{
	struct load load = { .sides = 1 };
	size_t most = sides[0].frames.count < sides[1].frames.count ?
			      sides[0].frames.count :
			      sides[1].frames.count;
	char word[8];
	int n = 0;

	if (sscanf(line, "%7s %n", word, &n) != 1)
		return -EINVAL;
	line += n;
	if (strcmp(word, "delay") != 0 &&
	    (sscanf(line, "%u %n", &load.sides, &n) != 1 || load.sides < 1 ||
	     load.sides > SIDES))
		return -EINVAL;
	if (strcmp(word, "delay") != 0)
		line += n;
	if (sscanf(line, "%zu %" SCNu64 " %" SCNu64, &load.flows, &load.pps,
		   &load.ms) != 3 ||
	    load.flows == 0 || load.flows > most || load.pps == 0 ||
	    load.pps > 100000000 || load.ms > 600000)
		return -EINVAL;
	load.slots = strcmp(word, "cpu") == 0;
	if (strcmp(word, "load") == 0)
		return on_load(sides, &load);
	if (load.slots)
		return on_cpu(sides, &load);
	if (strcmp(word, "delay") == 0)
		return on_delay(&sides[1], args + SIDE_ARGS, &load);
	return -EINVAL;
}

static int settle(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)atoi(core), &set);
	prctl(PR_SET_TIMERSLACK, 1);
	return sched_setaffinity(0, sizeof(set), &set) != 0 ? -errno : 0;
}

static int serve(struct side sides[SIDES], char **args)
{
	char line[LINE_SIZE];
	int err = 0;

	while (err == 0 && fgets(line, sizeof(line), stdin) != NULL) {
		err = on_command(line, sides, args);
		fflush(stdout);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct side sides[SIDES] = {
		{ .send_fd = -1, .stamp_fd = -1, .counts_fd = -1 },
		{ .send_fd = -1, .stamp_fd = -1, .counts_fd = -1 },
	};
	int err;

	if (argc != 2 + SIDES * SIDE_ARGS) {
		fputs("usage: rtpblast CORE SIDE SIDE (six words each)\n",
		      stderr);
		return 2;
	}
	err = settle(argv[1]);
	for (int i = 0; err == 0 && i < SIDES; i++)
		err = side_init(&sides[i], argv + 2 + i * SIDE_ARGS);
	if (err == 0)
		err = serve(sides, argv + 2);
	if (err != 0)
		fprintf(stderr, "rtpblast: %s\n", strerror(-err));
	for (int i = 0; i < SIDES; i++)
		side_done(&sides[i]);
	return err != 0;
}
