/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of a stream to a server: a UNIX socket, or TLS over TCP. */
#include "config.h"

#include "common/channel.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sock.h"
#include "common/tcp.h"

#define SCHEME "tls://"

int channel_target_unix(struct channel_target *target, const char *path)
{
	memset(target, 0, sizeof(*target));
	target->path = strdup(path);
	return target->path == NULL ? -ENOMEM : 0;
}

/* "NAME:PORT" apart; `name` is without brackets. */
static bool split(const char *server, char *name, size_t size,
		  const char **ret_port)
{
	const char *colon = strrchr(server, ':');
	size_t len;

	if (colon == NULL || colon[1] == '\0')
		return false;
	len = (size_t)(colon - server);
	if (len >= 2 && server[0] == '[' && server[len - 1] == ']') {
		server++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return false;
	memcpy(name, server, len);
	name[len] = '\0';
	*ret_port = colon + 1;
	return true;
}

static bool look_up(const char *name, const char *port, struct endpoint *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getaddrinfo(name, port, &hints, &found) != 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->realm = REALM_NONE;
	if (found->ai_family == AF_INET) {
		memcpy(&v4, found->ai_addr, sizeof(v4));
		ret->addr.family = IP_V4;
		ret->port = ntohs(v4.sin_port);
		memcpy(ret->addr.bytes, &v4.sin_addr, 4);
	} else if (found->ai_family == AF_INET6) {
		memcpy(&v6, found->ai_addr, sizeof(v6));
		ret->addr.family = IP_V6;
		ret->port = ntohs(v6.sin6_port);
		memcpy(ret->addr.bytes, &v6.sin6_addr, 16);
	}
	freeaddrinfo(found);
	return ret->addr.family != IP_NONE && ret->port != 0;
}

int channel_target_tls(struct channel_target *target, const char *server,
		       const char *name, const struct tls_files *files,
		       char *fault)
{
	const char *port;
	char host[256];
	int rc;

	memset(target, 0, sizeof(*target));
	if (strncmp(server, SCHEME, strlen(SCHEME)) == 0)
		server += strlen(SCHEME);
	if (!split(server, host, sizeof(host), &port) ||
	    !look_up(host, port, &target->endpoint)) {
		snprintf(fault, TLS_FAULT_TEXT,
			 "%.200s: no ADDRESS:PORT, or not found", server);
		return -EINVAL;
	}
	rc = tls_context_new(files, false, &target->context, fault);
	if (rc != 0)
		return rc;
	target->name = strdup(name != NULL ? name : host);
	if (target->name != NULL)
		return 0;
	channel_target_done(target);
	return -ENOMEM;
}

void channel_target_done(struct channel_target *target)
{
	free(target->path);
	free(target->name);
	SSL_CTX_free(target->context);
	memset(target, 0, sizeof(*target));
}

/* A stream that raises no SIGPIPE in a program that does not expect it. */
static int bio_write(BIO *bio, const char *data, int size)
{
	ssize_t sent = send((int)(intptr_t)BIO_get_data(bio), data,
			    (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int bio_read(BIO *bio, char *data, int size)
{
	ssize_t got = recv((int)(intptr_t)BIO_get_data(bio), data, (size_t)size,
			   MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static long bio_control(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH;
}

/* Made once, for the whole program. */
static BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
			      "viaduct");
	if (method == NULL || (BIO_meth_set_write(method, bio_write) == 1 &&
			       BIO_meth_set_read(method, bio_read) == 1 &&
			       BIO_meth_set_ctrl(method, bio_control) == 1))
		return method;
	BIO_meth_free(method);
	method = NULL;
	return NULL;
}

static bool set_name(SSL *ssl, char *name)
{
	struct ip_addr addr;

	if (ip_addr_parse(name, strlen(name), &addr) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
						     name) == 1;
	return SSL_set1_host(ssl, name) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

static SSL *make_ssl(const struct channel_target *target, int fd)
{
	SSL *ssl = SSL_new(target->context);
	BIO *bio = bio_method() == NULL ? NULL : BIO_new(bio_method());

	if (ssl == NULL || bio == NULL || !set_name(ssl, target->name)) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	return ssl;
}

int channel_open(struct channel *channel, const struct channel_target *target)
{
	memset(channel, 0, sizeof(*channel));
	channel->fd = target->path != NULL ?
			      sock_connect(target->path, SOCK_STREAM) :
			      tcp_connect(&target->endpoint);
	if (channel->fd < 0) {
		int err = channel->fd;

		channel->fd = -1;
		return err;
	}
	if (target->path != NULL)
		return 0;
	channel->ssl = make_ssl(target, channel->fd);
	if (channel->ssl != NULL)
		return 0;
	channel_close(channel);
	return -ENOMEM;
}

void channel_close(struct channel *channel)
{
	SSL_free(channel->ssl);
	channel->ssl = NULL;
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

short channel_events(const struct channel *channel, bool has_output)
{
	if (channel->ssl == NULL)
		return has_output ? POLLIN | POLLOUT : POLLIN;
	return channel->wants_room ? POLLIN | POLLOUT : POLLIN;
}

bool channel_is_readable(const struct channel *channel)
{
	return channel->ssl != NULL && SSL_has_pending(channel->ssl) == 1;
}

/* What the last operation on `ssl`, that gave `rc`, is to end with. */
static ssize_t outcome(struct channel *channel, int rc)
{
	int err = errno;

	switch (SSL_get_error(channel->ssl, rc)) {
	case SSL_ERROR_WANT_WRITE:
		channel->wants_room = true;
		return -EAGAIN;
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return err != 0 ? -err : -ECONNRESET;
	default:
		tls_fault(channel->ssl, channel->fault);
		return -EPROTO;
	}
}

ssize_t channel_send(struct channel *channel, const void *data, size_t size)
{
	ssize_t sent;
	size_t done;

	if (channel->ssl == NULL) {
		do {
			sent = send(channel->fd, data, size,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
		} while (sent < 0 && errno == EINTR);
		return sent < 0 ? -errno : sent;
	}
	ERR_clear_error();
	errno = 0;
	channel->wants_room = false;
	if (SSL_write_ex(channel->ssl, data, size, &done) == 1)
		return (ssize_t)done;
	sent = outcome(channel, 0);
	return sent == 0 ? -ECONNRESET : sent;
}

ssize_t channel_receive(struct channel *channel, void *data, size_t size)
{
	ssize_t got;
	size_t done;

	if (channel->ssl == NULL) {
		do {
			got = recv(channel->fd, data, size, MSG_DONTWAIT);
		} while (got < 0 && errno == EINTR);
		return got < 0 ? -errno : got;
	}
	ERR_clear_error();
	errno = 0;
	channel->wants_room = false;
	if (SSL_read_ex(channel->ssl, data, size, &done) == 1)
		return (ssize_t)done;
	return outcome(channel, 0);
}
