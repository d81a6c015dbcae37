/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One direction of the load: where it is sent, and where it should come out. */
#include "bench/side.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (256 << 20)

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int enter(const char *namespace)
{
	char path[128];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) != 0)
		err = -errno;
	close(fd);
	return err;
}

/* A packet socket on a device; `protocol` 0: it only sends. */
static int packet_socket(const char *device, uint16_t protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(protocol) };
	int size = BUFFER_SIZE, on = 1, err;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	at.sll_ifindex = (int)if_nametoindex(device);
	if (at.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int device_mac(int fd, const char *device, uint8_t ret_mac[FRAME_MAC])
{
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return -errno;
	memcpy(ret_mac, request.ifr_hwaddr.sa_data, FRAME_MAC);
	return 0;
}

static int parse_mac(const char *text, uint8_t ret_mac[FRAME_MAC])
{
	unsigned b[FRAME_MAC];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5]) != FRAME_MAC)
		return -EINVAL;
	for (int i = 0; i < FRAME_MAC; i++)
		ret_mac[i] = (uint8_t)b[i];
	return 0;
}

int side_init(struct side *side, char *const args[SIDE_ARGS])
{
	uint8_t from[FRAME_MAC], to[FRAME_MAC];
	int err;

	*side = (struct side){ .receiver = args[4],
			       .send_fd = -1,
			       .stamp_fd = -1,
			       .counts_fd = -1 };
	err = parse_mac(args[2], to);
	if (err == 0)
		err = enter(args[0]);
	if (err != 0)
		return err;
	side->send_fd = packet_socket(args[1], 0);
	if (side->send_fd < 0)
		return side->send_fd;
	err = device_mac(side->send_fd, args[1], from);
	if (err == 0)
		err = frames_read(&side->frames, args[5], from, to);
	if (err == 0)
		err = enter(args[3]);
	if (err != 0)
		return err;
	side->counts_fd = open("/proc/thread-self/net/dev",
			       O_RDONLY | O_CLOEXEC);
	return side->counts_fd < 0 ? -errno : 0;
}

void side_done(struct side *side)
{
	side_deafen(side);
	frames_done(&side->frames);
	if (side->send_fd >= 0)
		close(side->send_fd);
	if (side->counts_fd >= 0)
		close(side->counts_fd);
}

int64_t side_received(const struct side *side)
{
	char text[8192], name[IFNAMSIZ + 2];
	unsigned long long packets;
	const char *at;
	ssize_t len = pread(side->counts_fd, text, sizeof(text) - 1, 0);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	snprintf(name, sizeof(name), "%s:", side->receiver);
	at = strstr(text, name);
	if (at == NULL || sscanf(at + strlen(name), "%*u %llu", &packets) != 1)
		return -ENODEV;
	return (int64_t)packets;
}

unsigned side_send(struct side *side, size_t flows, unsigned count)
{
	struct mmsghdr messages[SIDE_BATCH];
	struct iovec vectors[SIDE_BATCH];
	unsigned sent = 0;

	for (unsigned i = 0; i < count; i++) {
		vectors[i] = (struct iovec){ frames_next(&side->frames, flows),
					     FRAME_SIZE };
		messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &vectors[i], .msg_iovlen = 1 }
		};
	}
	for (unsigned at = 0; at < count;) {
		int n = sendmmsg(side->send_fd, messages + at, count - at,
				 MSG_DONTWAIT);

		sent += n > 0 ? (unsigned)n : 0;
		at += n > 0 ? (unsigned)n : 1; /* that one was refused */
	}
	return sent;
}

unsigned side_send_stamped(struct side *side, size_t flows)
{
	uint8_t *frame = frames_next_stamped(&side->frames, flows, wall_ns());
	ssize_t len = send(side->send_fd, frame, FRAME_SIZE, MSG_DONTWAIT);

	frame_unstamp(frame);
	return len == FRAME_SIZE;
}

int side_listen(struct side *side, char *const args[SIDE_ARGS])
{
	int err = enter(args[3]);

	if (err != 0)
		return err;
	side->stamp_fd = packet_socket(side->receiver, ETH_P_ALL);
	return side->stamp_fd < 0 ? side->stamp_fd : 0;
}

void side_deafen(struct side *side)
{
	if (side->stamp_fd >= 0)
		close(side->stamp_fd);
	side->stamp_fd = -1;
}

static int64_t arrival_ns(struct msghdr *message)
{
	struct timespec at;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&at, CMSG_DATA(c), sizeof(at));
			return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
		}
	}
	return 0;
}

int64_t side_hear(const struct side *side)
{
	uint8_t bytes[FRAME_SIZE + 1];
	_Alignas(struct cmsghdr) char control[128];
	struct iovec vector = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(side->stamp_fd, &message, MSG_DONTWAIT);
	int64_t sent, arrived;

	if (len < 0)
		return -EAGAIN;
	sent = (int64_t)frame_stamp(bytes, (size_t)len);
	arrived = arrival_ns(&message);
	return sent == 0 || arrived <= sent ? 0 : arrived - sent;
}
