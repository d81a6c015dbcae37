/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every cure for a bug of the SIP library, in one place. */
#include "proxy/sofia_guard.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_time.h>
#include <sofia-sip/url.h>

#include "common/mono.h"
#include "common/privs.h"
#include "proxy/frame.h"

/* Seconds between 1900, from where the library counts, and 1970. */
#define NTP_EPOCH 2208988800UL

/* The library's exported hook for its clock; in none of its headers. */
extern void (*_su_time)(su_time_t *time);

int __real_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __real_accept(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_accept(int fd, struct sockaddr *addr, socklen_t *len);
int __real_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __real_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);

/* The wrapped functions have no argument to carry this in. */
static struct {
	char device[IFNAMSIZ];
	int bind_error;
	struct sofia_guard_streams streams;
	uint64_t other_transports;
	uint64_t lost_responses;
	uint64_t other_versions;
	uint64_t start_ms;     /* monotonic */
	uint64_t start_second; /* of the wall clock */
} guard;

static void monotonic_time(su_time_t *time)
{
	uint64_t ms;

	if (time == NULL)
		return;
	ms = mono_ms() - guard.start_ms;
	time->tv_sec = (unsigned long)(guard.start_second + ms / 1000);
	time->tv_usec = (unsigned long)(ms % 1000) * 1000;
}

uint64_t sofia_guard_lost_responses(void)
{
	return guard.lost_responses;
}

uint64_t sofia_guard_other_transports(void)
{
	return guard.other_transports;
}

uint64_t sofia_guard_other_versions(void)
{
	return guard.other_versions;
}

static void log_nothing(void *stream, const char *format, va_list args)
{
	(void)stream;
	(void)format;
	(void)args;
}

void sofia_guard_init(void)
{
	guard.start_ms = mono_ms();
	guard.start_second = wall_seconds() + NTP_EPOCH;
	_su_time = monotonic_time;
	/* From level 5 on the library prints credentials. */
	su_log_redirect(NULL, log_nothing, NULL);
	su_log_set_level(NULL, 0);
}

void sofia_guard_bind_device(const char *device)
{
	guard.bind_error = 0;
	snprintf(guard.device, sizeof(guard.device), "%s",
		 device != NULL ? device : "");
}

int sofia_guard_bind_error(void)
{
	return guard.bind_error;
}

int sofia_guard_tie(int fd, const char *device)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			  (socklen_t)strlen(device)) < 0 ?
		       -errno :
		       0;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (guard.device[0] != '\0' && addr->sa_family != AF_UNIX) {
		int error = sofia_guard_tie(fd, guard.device);

		if (error < 0) {
			guard.bind_error = error;
			errno = -error;
			return -1;
		}
	}
	if (__real_bind(fd, addr, len) == 0)
		return 0;
	if (addr->sa_family != AF_UNIX)
		guard.bind_error = -errno;
	return -1;
}

void sofia_guard_streams(const struct sofia_guard_streams *streams)
{
	memset(&guard.streams, 0, sizeof(guard.streams));
	if (streams != NULL)
		guard.streams = *streams;
}

int sofia_guard_real_listen(int fd, int backlog)
{
	return __real_listen(fd, backlog);
}

int sofia_guard_real_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return __real_accept(fd, addr, len);
}

int sofia_guard_real_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return __real_connect(fd, addr, len);
}

static bool is_inet(int fd)
{
	int family = 0;
	socklen_t len = sizeof(family);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 &&
	       (family == AF_INET || family == AF_INET6);
}

int __wrap_listen(int fd, int backlog)
{
	if (guard.streams.listen == NULL || !is_inet(fd))
		return __real_listen(fd, backlog);
	return guard.streams.listen(fd, backlog, guard.streams.arg);
}

int __wrap_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	/* What is accepted on is no socket any more. */
	if (guard.streams.accept == NULL || is_inet(fd))
		return __real_accept(fd, addr, len);
	return guard.streams.accept(fd, addr, len, guard.streams.arg);
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return __real_connect(fd, addr, len);
	if (guard.streams.connect == NULL) {
		errno = ECONNREFUSED;
		return -1;
	}
	return guard.streams.connect(fd, addr, len, guard.streams.arg);
}

/* The library gives up a connection that does not take TCP's options. */
int __wrap_setsockopt(int fd, int level, int name, const void *value,
		      socklen_t len)
{
	if (level == IPPROTO_TCP && !is_inet(fd))
		return 0;
	return __real_setsockopt(fd, level, name, value, len);
}

int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list)
{
	struct addrinfo numeric = { .ai_family = AF_UNSPEC };

	if (hints != NULL)
		numeric = *hints;
	numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	return __real_getaddrinfo(host, service, &numeric, list);
}

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_DGRAM;
}

static bool is_response(const struct msghdr *msg)
{
	static const char version[] = "SIP/2.0 ";

	return msg->msg_iovlen > 0 &&
	       msg->msg_iov[0].iov_len >= sizeof(version) - 1 &&
	       memcmp(msg->msg_iov[0].iov_base, version, sizeof(version) - 1) ==
		       0;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t sent = __real_sendmsg(fd, msg, flags);
	size_t total = 0;

	if (sent >= 0 || errno == EINTR || !is_datagram(fd))
		return sent;
	/* The error may be that of an earlier packet, now taken off. */
	if (errno != EMSGSIZE) {
		sent = __real_sendmsg(fd, msg, flags);
		if (sent >= 0)
			return sent;
	}
	if (!is_response(msg))
		return sent;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		total += msg->msg_iov[i].iov_len;
	guard.lost_responses++;
	return (ssize_t)total;
}

/* A first line that ends with another version than SIP/2.0. */
static bool is_other_version(const char *data, size_t len)
{
	static const char version[] = "SIP/2.0";
	const char *end = memchr(data, '\n', len);
	const char *word;

	if (end == NULL)
		return false;
	while (end > data && strchr(" \t\r", end[-1]) != NULL)
		end--;
	for (word = end; word > data && strchr(" \t", word[-1]) == NULL;)
		word--;
	return end - word > 4 && strncasecmp(word, version, 4) == 0 &&
	       ((size_t)(end - word) != sizeof(version) - 1 ||
		strncasecmp(word, version, sizeof(version) - 1) != 0);
}

/*
 * The library drops a request whose Via names another transport than the one
 * it came by, without a word; phones that are told to use another one and do
 * not notice would never be answered.
 */
static void name_udp(char *data, size_t len)
{
	if (frame_is_transport(data, len, "UDP") ||
	    !frame_set_transport(data, len, "UDP"))
		return;
	guard.other_transports++;
}

/*
 * The library answers 505 to wherever the Via says, not to the sender: such a
 * request becomes blank lines, which are ignored.
 */
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t got = __real_recvmsg(fd, msg, flags);
	char *data;
	size_t len;

	if (got <= 0 || msg->msg_iovlen == 0)
		return got;
	data = msg->msg_iov[0].iov_base;
	len = msg->msg_iov[0].iov_len;
	if (len > (size_t)got)
		len = (size_t)got;
	if (len < 4 || !is_datagram(fd))
		return got;
	name_udp(data, len);
	if (!is_other_version(data, len))
		return got;
	guard.other_versions++;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		memset(msg->msg_iov[i].iov_base, '\n', msg->msg_iov[i].iov_len);
	return got;
}

int sofia_guard_request(sip_t *sip)
{
	const url_t *url = sip->sip_request->rq_url;

	msg_fragment_clear(sip->sip_request->rq_common);
	msg_header_remove_param(sip->sip_via->v_common, "maddr");
	if (url->url_type != url_sip && url->url_type != url_sips &&
	    url->url_type != url_tel)
		return 416;
	if (url->url_headers != NULL)
		return 400;
	return 0;
}

sip_require_t *sofia_guard_hide_require(sip_t *sip)
{
	sip_require_t *require = sip->sip_require;

	sip->sip_require = NULL;
	return require;
}

void sofia_guard_show_require(sip_t *sip, sip_require_t *require)
{
	sip->sip_require = require;
}

void sofia_guard_branch(uint64_t loop, char buf[GUARD_BRANCH_TEXT])
{
	uint64_t random[2];

	random_bytes(random, sizeof(random));
	snprintf(buf, GUARD_BRANCH_TEXT, "z9hG4bK%016llx%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1],
		 (unsigned long long)loop);
}

bool sofia_guard_branch_loop(const char *branch, uint64_t *ret_loop)
{
	unsigned long long loop;
	char *end;

	if (branch == NULL || strlen(branch) != 7 + 48 ||
	    strncmp(branch, "z9hG4bK", 7) != 0)
		return false;
	loop = strtoull(branch + 7 + 32, &end, 16);
	if (*end != '\0')
		return false;
	*ret_loop = loop;
	return true;
}
