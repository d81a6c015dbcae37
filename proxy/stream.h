/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP or TLS connection: the wire on the one side, on the other a pair of
 * sockets by whose far end the SIP library reads and writes whole messages. It
 * sees nothing of TLS, of keep-alives, nor of what is no message.
 *
 * Within the process the topmost Via of a message always names TCP; the wire's
 * own transport is put in its place on the way out, and taken out on the way
 * in.
 */
#ifndef VIADUCT_PROXY_STREAM_H
#define VIADUCT_PROXY_STREAM_H

#include <openssl/ssl.h>

#include "common/conf.h"
#include "common/list.h"
#include "common/table.h"
#include "proxy/watch.h"

#define STREAM_MESSAGE_MAX 65535 /* bytes of a message */
#define STREAM_IN_MAX      (2 * STREAM_MESSAGE_MAX)
#define STREAM_OUT_MAX     (4 * STREAM_MESSAGE_MAX)
#define STREAM_END_MS      500 /* for the last answers */

enum stream_state {
	STREAM_DIALING, /* not connected yet */
	STREAM_SHAKING, /* in the TLS handshake */
	STREAM_OPEN,
	STREAM_ENDING, /* malformed: no more is read, the last is answered */
};

/* [0, ready) is whole messages, the rest the beginning of one. */
struct stream_buffer {
	char *data; /* owned */
	size_t len;
	size_t ready;
	size_t size;
};

struct stream;

struct stream_hooks {
	/* The library is to take stream->offered. 0 or -Exxx. */
	int (*on_offer)(struct stream *stream, void *arg);
	/* The handshake is done, or there is none. */
	void (*on_open)(struct stream *stream, void *arg);
	/* Over: stream_free() is to be called, from inside or later. */
	void (*on_gone)(struct stream *stream, const char *why, void *arg);
	void *arg;
};

struct stream {
	struct list node;          /* in streams.all */
	struct list offer_node;    /* in stream_port.offers */
	struct table_node by_peer; /* in streams.by_peer */
	struct stream_port *port;  /* not owned */
	struct stream_hooks hooks; /* of its owner */
	uint64_t id;               /* never 0, never again */
	struct endpoint peer;      /* with realm */
	enum conf_transport transport;
	enum stream_state state;
	size_t trunk; /* dialled, or shown by its certificate; or SIZE_MAX */
	bool is_accepted;
	bool is_heard;  /* a message has come */
	bool is_eof;    /* nothing more will come */
	bool wants_out; /* the wire takes no more */
	bool is_full;   /* the library takes no more */
	int fd;         /* owned */
	SSL *ssl;       /* owned; NULL: TCP */
	int pair;       /* owned: our end; -1: none */
	int offered;    /* owned: the library's until it takes it; -1: none */
	struct watch wire;
	struct watch inner;
	struct stream_buffer in;
	struct stream_buffer out;
	unsigned dial_ms;    /* how long it may be dialled */
	uint64_t since_ms;   /* of its state */
	uint64_t heard_ms;   /* the last message, either way */
	uint64_t partial_ms; /* since when one is incomplete; 0: none is */
	uint64_t stuck_ms;   /* since when the wire takes nothing; 0: it does */
};

/*
 * A connection on `fd` (taken also when it fails), as TLS when `ssl` (taken) is
 * not NULL. `pair` (taken): the near end of a pair that the library has
 * already; -1: it is offered one with the first message. NULL: no memory.
 */
struct stream *stream_new(su_root_t *root, int fd, SSL *ssl, int pair,
			  bool is_accepted, uint64_t now_ms,
			  const struct stream_hooks *hooks);
/* Tells nobody. */
void stream_free(struct stream *stream);
/* Does what can be done now. May free the stream, by its hook. */
void stream_run(struct stream *stream);
/* A socket pair, neither end blocking. 0 or -Exxx. */
int stream_pair(int ends[2]);

#endif
