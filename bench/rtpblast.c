/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends or counts many flows of 172-byte RTP packets, for measurements.
 *
 *   rtpblast send FROM-ADDR FROM-PORT TO-ADDR TO-PORT FLOWS PPS SECONDS
 *   rtpblast recv ADDR PORT FLOWS SECONDS
 *
 * Flow i uses the ports FROM-PORT + 2i and TO-PORT + 2i. Prints one JSON
 * object at the end. recv starts to count at its first packet and ends
 * SECONDS after its start.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mono.h"

#define PACKET_SIZE 172
#define FLOWS_MAX   16000
#define BATCH       32

struct flow_set {
	int *fds; /* owned */
	size_t count;
};

static void die(const char *what)
{
	fprintf(stderr, "rtpblast: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value == 0 || value > max) {
		fprintf(stderr, "rtpblast: not a number in 1..%lu: %s\n", max,
			text);
		exit(2);
	}
	return (unsigned)value;
}

static struct sockaddr_in address(const char *addr, unsigned port)
{
	struct sockaddr_in ret = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, addr, &ret.sin_addr) != 1) {
		fprintf(stderr, "rtpblast: not an address: %s\n", addr);
		exit(2);
	}
	return ret;
}

static struct flow_set flows_open(const char *addr, unsigned port,
				  unsigned count)
{
	struct rlimit limit = { FLOWS_MAX + 64, FLOWS_MAX + 64 };
	struct flow_set set = { calloc(count, sizeof(int)), count };

	if (set.fds == NULL || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("resources");
	for (unsigned i = 0; i < count; i++) {
		struct sockaddr_in at = address(addr, port + 2 * i);
		int size = 1 << 20;

		set.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (set.fds[i] < 0)
			die("socket");
		setsockopt(set.fds[i], SOL_SOCKET, SO_RCVBUF, &size,
			   sizeof(size));
		if (bind(set.fds[i], (struct sockaddr *)&at, sizeof(at)) != 0)
			die("bind");
	}
	return set;
}

static void flows_close(struct flow_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		close(set->fds[i]);
	free(set->fds);
}

static void flows_connect(const struct flow_set *set, const char *addr,
			  unsigned port)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct sockaddr_in to = address(addr, port + 2 * i);

		if (connect(set->fds[i], (struct sockaddr *)&to, sizeof(to)))
			die("connect");
	}
}

static void packet_fill(uint8_t packet[PACKET_SIZE], uint64_t number)
{
	packet[0] = 0x80;
	packet[1] = 0;
	packet[2] = (uint8_t)(number >> 8);
	packet[3] = (uint8_t)number;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Sends what is due by the clock, at most a burst of 64, then looks again. */
static int run_send(char **args)
{
	unsigned flows = number(args[4], FLOWS_MAX);
	unsigned pps = number(args[5], 10000000);
	unsigned seconds = number(args[6], 3600);
	struct flow_set set = flows_open(args[0], number(args[1], 65535),
					 flows);
	uint8_t packet[PACKET_SIZE] = { 0 };
	uint64_t sent = 0, refused = 0, start, now, total;

	flows_connect(&set, args[2], number(args[3], 65535));
	total = (uint64_t)pps * seconds;
	start = mono_ns();
	while (sent + refused < total) {
		uint64_t due;

		now = mono_ns();
		due = (now - start) / 1000 * pps / 1000000;
		if (due > total)
			due = total;
		if (due > sent + refused + 64)
			due = sent + refused + 64;
		if (now - start > ((uint64_t)seconds + 1) * 1000000000u)
			break;
		if (due == sent + refused && pps < 50000)
			usleep(200);
		while (sent + refused < due) {
			uint64_t n = sent + refused;

			packet_fill(packet, n / flows);
			if (send(set.fds[n % flows], packet, sizeof(packet),
				 0) == PACKET_SIZE)
				sent++;
			else
				refused++;
		}
	}
	now = mono_ns();
	printf("{\"sent\":%lu,\"refused\":%lu,\"seconds\":%.3f,\"pps\":%.0f,"
	       "\"cpu\":%.3f}\n",
	       (unsigned long)sent, (unsigned long)refused,
	       (double)(now - start) / 1e9,
	       (double)sent * 1e9 / (double)(now - start), cpu_seconds());
	flows_close(&set);
	return 0;
}

struct counts {
	uint64_t packets;
	uint64_t wrong; /* not an RTP packet of ours */
	uint64_t first_ns;
	uint64_t last_ns;
};

static void drain(int fd, struct counts *counts)
{
	static uint8_t buffers[BATCH][PACKET_SIZE + 1];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };
	int n;

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ buffers[i], PACKET_SIZE + 1 };
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(fd, messages, BATCH, 0, NULL)) > 0) {
		counts->last_ns = mono_ns();
		if (counts->packets == 0)
			counts->first_ns = counts->last_ns;
		for (int i = 0; i < n; i++) {
			if (messages[i].msg_len == PACKET_SIZE &&
			    buffers[i][0] == 0x80)
				counts->packets++;
			else
				counts->wrong++;
		}
		if (n < BATCH)
			break;
	}
}

static int run_recv(char **args)
{
	unsigned flows = number(args[2], FLOWS_MAX);
	uint64_t seconds = number(args[3], 3600);
	struct flow_set set = flows_open(args[0], number(args[1], 65535),
					 flows);
	struct epoll_event events[256];
	struct counts counts = { 0 };
	uint64_t end = mono_ns() + seconds * 1000000000u;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < set.count; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.fd = set.fds[i] };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, set.fds[i], &event) != 0)
			die("epoll");
	}
	puts("{\"ready\":true}");
	fflush(stdout);
	while (mono_ns() < end) {
		int n = epoll_wait(epoll, events, 256, 100);

		for (int i = 0; i < n; i++)
			drain(events[i].data.fd, &counts);
	}
	printf("{\"received\":%lu,\"wrong\":%lu,\"seconds\":%.3f}\n",
	       (unsigned long)counts.packets, (unsigned long)counts.wrong,
	       (double)(counts.last_ns - counts.first_ns) / 1e9);
	close(epoll);
	flows_close(&set);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 9 && strcmp(argv[1], "send") == 0)
		return run_send(argv + 2);
	if (argc == 6 && strcmp(argv[1], "recv") == 0)
		return run_recv(argv + 2);
	fprintf(stderr,
		"usage: rtpblast send FROM PORT TO PORT FLOWS PPS SECONDS\n"
		"       rtpblast recv AT PORT FLOWS SECONDS\n");
	return 2;
}
