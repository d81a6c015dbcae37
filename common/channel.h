/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's end of a stream to a server: a UNIX socket, or TLS over TCP.
 * Never blocks; connects and shakes hands while bytes are sent and received.
 */
#ifndef VIADUCT_COMMON_CHANNEL_H
#define VIADUCT_COMMON_CHANNEL_H

#include <sys/types.h>

#include "common/endpoint.h"
#include "common/tls.h"

/* Where to, and who we are. */
struct channel_target {
	char *path; /* owned; of a UNIX socket; NULL: TLS */
	struct endpoint endpoint;
	char *name;       /* owned; the server's, in its certificate */
	SSL_CTX *context; /* owned */
};

struct channel {
	int fd;                     /* -1: not connected */
	SSL *ssl;                   /* owned; NULL: a UNIX socket */
	bool wants_room;            /* TLS has to send before it can go on */
	char fault[TLS_FAULT_TEXT]; /* why it failed, in words; "": see errno */
};

/* 0 or -ENOMEM. */
int channel_target_unix(struct channel_target *target, const char *path);
/*
 * `server` is "ADDRESS:PORT" or "NAME:PORT" ("[V6]:PORT"), with or without
 * "tls://" before it; a name is looked up here and now, which may take time.
 * `name` is the one that the server's certificate must have; NULL: that of
 * `server`. 0; -EINVAL with `fault` (TLS_FAULT_TEXT bytes) in words; -ENOMEM.
 */
int channel_target_tls(struct channel_target *target, const char *server,
		       const char *name, const struct tls_files *files,
		       char *fault);
/* Also for one that is all zero. */
void channel_target_done(struct channel_target *target);

/* 0 or -Exxx. */
int channel_open(struct channel *channel, const struct channel_target *target);
void channel_close(struct channel *channel);
/* What to wait for: POLLIN, POLLOUT. `has_output`: something is to be sent. */
short channel_events(const struct channel *channel, bool has_output);
/* Has received more than was taken: poll() does not tell. */
bool channel_is_readable(const struct channel *channel);
/*
 * Bytes; -EAGAIN: none now; or -Exxx. After channel_receive what waits to be
 * sent is tried again: TLS may have waited for bytes to go on sending.
 */
ssize_t channel_send(struct channel *channel, const void *data, size_t size);
/* Likewise; 0: the end. */
ssize_t channel_receive(struct channel *channel, void *data, size_t size);

#endif
