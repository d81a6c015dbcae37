/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every cure for a bug of the SIP library, in one place.
 *
 * Linked with -Wl,--wrap of getaddrinfo, sendmsg, recvmsg and bind: the library
 * then can neither block in a name look-up nor see a UDP response fail (it
 * aborts on the ACK of such a one) nor answer to where a Via says, and its
 * sockets can be tied to a device. With those of listen, accept, connect and
 * setsockopt its connections are ours: see struct sofia_guard_streams.
 */
#ifndef VIADUCT_PROXY_SOFIA_GUARD_H
#define VIADUCT_PROXY_SOFIA_GUARD_H

#include <netdb.h>
#include <sofia-sip/sip.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define GUARD_BRANCH_TEXT 64 /* a branch, with "z9hG4bK" and the final NUL */

/* UDP responses that the kernel refused to send. */
uint64_t sofia_guard_lost_responses(void);
/* Requests of another SIP version, dropped. */
uint64_t sofia_guard_other_versions(void);

/*
 * Before su_init(): the library's clock becomes monotonic (its timers abort
 * when the wall clock steps) and its log is silent below errors.
 */
void sofia_guard_init(void);

/*
 * Sockets that are bound from now on are tied to this device; NULL: to none.
 * The name is copied.
 */
void sofia_guard_bind_device(const char *device);
/* 0, or the -Exxx that tying the last socket to its device gave. */
int sofia_guard_bind_error(void);

/*
 * Who makes the connections that the library believes to be TCP: it never
 * closes a silent one, cannot be told what TLS is to show, and dials wherever
 * a Via says. Each as the function of that name; -1 with errno.
 */
struct sofia_guard_streams {
	int (*listen)(int fd, int backlog, void *arg);
	int (*accept)(int fd, struct sockaddr *addr, socklen_t *len, void *arg);
	/* IPv4 and IPv6 only. */
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t len,
		       void *arg);
	void *arg;
};

/* Copied; NULL: nobody, no connection can be made. */
void sofia_guard_streams(const struct sofia_guard_streams *streams);
/* The socket's own functions, for who makes them. */
int sofia_guard_real_listen(int fd, int backlog);
int sofia_guard_real_accept(int fd, struct sockaddr *addr, socklen_t *len);
int sofia_guard_real_connect(int fd, const struct sockaddr *addr,
			     socklen_t len);
/* Ties a socket to the device that was set; 0 or -Exxx. */
int sofia_guard_tie(int fd, const char *device);

/* Datagrams whose Via names another transport, read as if it named UDP. */
uint64_t sofia_guard_other_transports(void);

/*
 * Makes a request fit to be given to the library: no maddr in its top Via,
 * request line printed anew. 0; or the status to refuse it with: 400 when the
 * Request-URI has headers, 416 when its scheme is not served.
 */
int sofia_guard_request(sip_t *sip);

/*
 * The Require header off, while the library makes a server transaction (it
 * would take over 100rel otherwise), and on again.
 */
sip_require_t *sofia_guard_hide_require(sip_t *sip);
void sofia_guard_show_require(sip_t *sip, sip_require_t *require);

/*
 * A branch that nobody can guess (128 random bits; RFC 3261 8.1.1.7); `loop`
 * is carried along (RFC 5393 4.2.2).
 */
void sofia_guard_branch(uint64_t loop, char buf[GUARD_BRANCH_TEXT]);
/* The `loop` of a branch made here; false: it is not of this form. */
bool sofia_guard_branch_loop(const char *branch, uint64_t *ret_loop);

#endif
