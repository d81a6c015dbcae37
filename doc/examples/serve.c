/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gets an endpoint of another realm and sends back what comes there.
 * Arguments: SOCKET ADDRESS PORT REALM OTHER-REALM */
#include <arpa/inet.h>
#include <natctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LIFETIME 60 /* seconds; refreshed in the middle */

static struct natctl *natctl;

static void on_granted(const struct natctl_answer *answer, void *arg)
{
	printf("%s\n", answer->error ? answer->reason : answer->leases->outer);
	fflush(stdout);
}

/* Also when a manager has come that knows nothing of the one before. */
static void on_up(uint64_t epoch, bool is_new, void *want)
{
	struct natctl_ask ask = { "serve", LIFETIME, want, 1, NULL };

	if (is_new)
		natctl_ask(natctl, &ask, natctl_clock(),
			   (struct natctl_callback){ on_granted, NULL }, NULL);
}

int main(int argc, char **argv)
{
	char inner[NATCTL_ENDPOINT_TEXT], data[65536];
	struct natctl_want want = { .inner = inner, .realm = argv[argc - 1] };
	struct natctl_hooks hooks = { .on_up = on_up, .arg = &want };
	struct sockaddr_in peer = { .sin_family = AF_INET };
	struct sockaddr *to = (struct sockaddr *)&peer;
	struct timeval pause = { .tv_sec = LIFETIME / 2 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 6 || inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1)
		return EXIT_FAILURE;
	snprintf(inner, sizeof(inner), "%s:%s@%s", argv[2], argv[3], argv[4]);
	peer.sin_port = htons((uint16_t)atoi(argv[3]));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	natctl = natctl_new(argv[1], 2000, &hooks);
	if (!natctl || bind(fd, to, sizeof(peer)) != 0)
		return EXIT_FAILURE;
	for (;;) {
		socklen_t len = sizeof(peer);
		ssize_t size;

		natctl_refresh(natctl, "serve", LIFETIME, natctl_clock(),
			       (struct natctl_callback){ NULL, NULL }, NULL);
		natctl_wait(natctl, 2000);
		size = recvfrom(fd, data, sizeof(data), 0, to, &len);
		if (size >= 0)
			sendto(fd, data, (size_t)size, 0, to, len);
	}
}
