/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnatctl: asks the address manager for outer endpoints, over its control
 * channel (doc/protocol.md). For any application; the proxy uses no other way.
 *
 * Asynchronous and bound to no event loop: the caller watches natctl_fd() for
 * natctl_events(), and calls natctl_process() when there are such events or
 * natctl_deadline() is reached. Never blocks (natctl_wait() apart), never
 * reads a clock (natctl_wait() apart), connects again by itself.
 *
 * Endpoints are texts: "2.2.2.2:2222@inside", "[2001:db8::1]:5060@inside".
 */
#ifndef VIADUCT_NATCTL_CLIENT_NATCTL_H
#define VIADUCT_NATCTL_CLIENT_NATCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NATCTL_ENDPOINT_TEXT 128       /* longest endpoint text, with NUL */
#define NATCTL_QUEUE_MAX     1024      /* requests without an answer */
#define NATCTL_QUEUE_BYTES   (1 << 20) /* unsent bytes */
#define NATCTL_LEASES_MAX    64        /* in one ask or tighten */

/* What the manager answers instead of a result. */
enum natctl_code {
	NATCTL_PARSE_ERROR = -32700,
	NATCTL_INVALID_REQUEST = -32600,
	NATCTL_METHOD_NOT_FOUND = -32601,
	NATCTL_INVALID_PARAMS = -32602,
	NATCTL_INTERNAL_ERROR = -32603,
	NATCTL_NO_ENDPOINT = -32001,
	NATCTL_NOT_AVAILABLE = -32002,
	NATCTL_NOT_AUTHORIZED = -32003,
	NATCTL_TRANSLATOR_DOWN = -32004,
	NATCTL_NOT_FOUND = -32005,
	NATCTL_LIMIT = -32006,
	NATCTL_OVERLAP = -32007,
	NATCTL_NO_REALM = -32008,
};

enum natctl_kind { NATCTL_BOTH, NATCTL_TERMINATING, NATCTL_ORIGINATING };
enum natctl_protocol { NATCTL_UDP, NATCTL_TCP };

/*
 * What must be true of a packet's source for a lease to apply. The most
 * specific source is looked at first, whatever the order here.
 */
struct natctl_condition {
	const char *source; /* "1.1.1.1" or "1.1.0.0/16" */
	const char *ports;  /* "1111" or "1000-1999"; NULL: any */
	const char *target; /* endpoint; NULL: the lease's inner one */
	bool discard;       /* such a packet is discarded; no target then */
};

/* One lease that is asked for. */
struct natctl_want {
	const char *inner; /* endpoint */
	const char *realm; /* in which the outer endpoint is wanted */
	unsigned ports;    /* consecutive ones; 0: 1 */
	enum natctl_kind kind;
	enum natctl_protocol protocol;
	/*
	 * The outer endpoint that is wanted: "3.3.3.3", "3.3.3.3:3333" or
	 * "20.20.20.16/28:2000-2999"; or a named pool; both NULL: any.
	 */
	const char *outer;
	const char *pool;
	bool strict; /* refuse rather than give another one */
	const struct natctl_condition *conditions; /* none: any source */
	size_t condition_count;
	/* Far end: address, address:port or prefix; NULL: anywhere. */
	const char *remote;
	/*
	 * The first source in this prefix becomes the remote, of each port
	 * apart; NULL: it does not latch.
	 */
	const char *latch;
	bool keep_source; /* of what the inner endpoint sends */
	/* Of the outer endpoint: "ipv4", "ipv6"; NULL: what fits. */
	const char *family;
};

/* All are granted or none. */
struct natctl_ask {
	const char *group;
	unsigned lifetime; /* seconds; 0: the manager's default */
	const struct natctl_want *wants;
	size_t want_count;
	/*
	 * The same ask with the same key is granted once, and answered with
	 * the same leases again; so it may be repeated after -ECONNRESET.
	 * NULL: none.
	 */
	const char *key;
};

/* Replaces conditions and remote of a lease, without a gap. */
struct natctl_change {
	uint64_t lease;
	const struct natctl_condition *conditions; /* none: any source */
	size_t condition_count;
	const char *remote; /* NULL: anywhere */
	/* It latches, anew and on to a source in this prefix; NULL: as it was,
	 * and whom it has latched on to stays. */
	const char *latch;
	bool no_latch; /* it does not latch any more */
};

struct natctl_lease {
	uint64_t id;
	char inner[NATCTL_ENDPOINT_TEXT];
	char outer[NATCTL_ENDPOINT_TEXT];
	enum natctl_kind kind;
	enum natctl_protocol protocol;
	unsigned ports;
	bool preferred;      /* what was requested was given, or nothing was */
	unsigned expires_in; /* seconds */
};

/* Lives until the callback returns. */
struct natctl_answer {
	/*
	 * 0; an enum natctl_code; or -ECONNRESET (the connection was lost),
	 * -ETIMEDOUT, -EBADMSG (the answer makes no sense), -ECANCELED
	 * (natctl_free). After these four it is not known whether the manager
	 * did what was asked: release the group.
	 */
	int error;
	const char *message; /* never NULL; "" when there is none */
	const char *reason;  /* in words, for people; likewise */
	uint64_t epoch;      /* of an ask */
	const struct natctl_lease *leases; /* of an ask, in the order asked */
	size_t lease_count;
	uint64_t subscription; /* of a subscribe */
	uint64_t count;        /* of a refresh, tighten or release: leases */
};

typedef void (*natctl_answer_fn)(const struct natctl_answer *answer, void *arg);

struct natctl_callback {
	natctl_answer_fn on_answer;
	void *arg;
};

/* What can be subscribed to; what each tells is in struct natctl_event. */
enum natctl_event_type {
	NATCTL_EVENT_EXPIRED,    /* a lease has ended */
	NATCTL_EVENT_RELEASED,   /* likewise: by */
	NATCTL_EVENT_LATCHED,    /* a port of a lease: port, remote */
	NATCTL_EVENT_SILENT,     /* a lease: inwards, seconds */
	NATCTL_EVENT_HEARD,      /* a lease that was silent: likewise */
	NATCTL_EVENT_POOL,       /* pool, realm, state, percent, used */
	NATCTL_EVENT_TRANSLATOR, /* state */
	NATCTL_EVENT_OVERRUN,    /* lost; comes with any subscription */
};

struct natctl_subscription {
	unsigned events;   /* bits: 1 << NATCTL_EVENT_...; 0: all */
	const char *group; /* NULL: of any group */
	bool own;          /* also where others' may be seen */
	unsigned silence;  /* seconds; 0: the manager's default */
	unsigned percent;  /* of a pool; 0: likewise */
};

/* Lives until the hook returns. A text or number it has not is "" or 0. */
struct natctl_event {
	enum natctl_event_type type;
	uint64_t subscription;
	uint64_t lease; /* id; 0: not of a lease */
	const char *group;
	const char *inner;
	const char *outer;
	const char *by;     /* "owner", "administrator" */
	unsigned port;      /* outer port + so many */
	const char *remote; /* endpoint */
	bool inwards;       /* from the outer to the inner endpoint */
	unsigned seconds;   /* of silence */
	const char *pool;
	const char *realm;
	const char *state; /* "above", "below"; "up", "down" */
	unsigned percent;
	unsigned used; /* per cent */
	uint64_t lost; /* events */
};

/* "expired" and so on; "" for what is no type. */
const char *natctl_event_name(enum natctl_event_type type);

struct natctl_hooks {
	/*
	 * natctl_fd(), natctl_events() or natctl_deadline() have changed. Runs
	 * inside other calls; must not call back. NULL: the caller looks after
	 * every call.
	 */
	void (*on_wanted)(void *arg);
	/*
	 * The manager answers, and it is (`is_new`) another one than before or
	 * the first: what it granted earlier it may have forgotten, so ask for
	 * the groups in use again. Runs inside natctl_process().
	 */
	void (*on_up)(uint64_t epoch, bool is_new, void *arg);
	/* The connection was lost. Requests are answered first. */
	void (*on_down)(void *arg);
	/*
	 * Of a subscription. Subscriptions end with the connection: make them
	 * anew in on_up, where `is_new` tells of another epoch. As a callback
	 * of a request otherwise.
	 */
	void (*on_event)(const struct natctl_event *event, void *arg);
	void *arg;
};

struct natctl;

/*
 * A client of the manager at `path` (RUNDIR/natctl.sock). A request that has
 * no answer after `timeout_ms` ends with -ETIMEDOUT. `hooks` are copied. Tries
 * to connect at the first natctl_process(); natctl_deadline() is 0 until then.
 * NULL: no memory, or the path is too long.
 */
struct natctl *natctl_new(const char *path, unsigned timeout_ms,
			  const struct natctl_hooks *hooks);

/*
 * A manager on another host, over TLS (control in viaduct.conf(5)). Both ends
 * show a certificate. Nothing here needs to live longer than the call.
 */
struct natctl_tls {
	const char *server; /* "tls://ADDRESS:PORT", "tls://NAME:PORT" */
	const char *name;   /* the one in its certificate; NULL: as above */
	const char *certificate; /* PEM files: ours, */
	const char *key;         /* its key, */
	const char *ca;          /* and the authorities of the manager's */
};

#define NATCTL_FAULT_TEXT 256

/*
 * As natctl_new(). A NAME is looked up here, once, which may take time; all
 * that follows never blocks. NULL: `fault` (may be NULL) says why, in words.
 */
struct natctl *natctl_new_tls(const struct natctl_tls *tls, unsigned timeout_ms,
			      const struct natctl_hooks *hooks,
			      char fault[NATCTL_FAULT_TEXT]);
/* Why the last connection was lost or not made, in words; "": it was not. */
const char *natctl_fault(const struct natctl *natctl);
/* Requests without an answer end with -ECANCELED. Not from a callback. */
void natctl_free(struct natctl *natctl);

int natctl_fd(const struct natctl *natctl);       /* -1: not connected */
short natctl_events(const struct natctl *natctl); /* POLLIN, POLLOUT */
/* When natctl_process() must be called at the latest; UINT64_MAX: never. */
uint64_t natctl_deadline(const struct natctl *natctl);
/* `now_ms` is monotonic; `revents` as of poll(), 0 for the deadline. */
void natctl_process(struct natctl *natctl, short revents, uint64_t now_ms);
bool natctl_is_up(const struct natctl *natctl);

/*
 * The requests. 0: the callback is called exactly once, later, from
 * natctl_process(), natctl_wait() or natctl_free(). Else it is never called,
 * nothing was sent, and the return value is -ENOTCONN, -ENOBUFS (the manager
 * does not keep up), -EINVAL, -EMSGSIZE or -ENOMEM.
 * *ret_request (may be NULL) is for natctl_cancel().
 */
int natctl_ask(struct natctl *natctl, const struct natctl_ask *ask,
	       uint64_t now_ms, struct natctl_callback callback,
	       uint64_t *ret_request);
int natctl_refresh(struct natctl *natctl, const char *group, unsigned lifetime,
		   uint64_t now_ms, struct natctl_callback callback,
		   uint64_t *ret_request);
int natctl_tighten(struct natctl *natctl, const struct natctl_change *changes,
		   size_t count, uint64_t now_ms,
		   struct natctl_callback callback, uint64_t *ret_request);
int natctl_release(struct natctl *natctl, const char *group, uint64_t now_ms,
		   struct natctl_callback callback, uint64_t *ret_request);
int natctl_release_leases(struct natctl *natctl, const uint64_t *leases,
			  size_t count, uint64_t now_ms,
			  struct natctl_callback callback,
			  uint64_t *ret_request);

/* What happens is told to hooks.on_event from now on. */
int natctl_subscribe(struct natctl *natctl,
		     const struct natctl_subscription *wanted, uint64_t now_ms,
		     struct natctl_callback callback, uint64_t *ret_request);
int natctl_unsubscribe(struct natctl *natctl, uint64_t subscription,
		       uint64_t now_ms, struct natctl_callback callback,
		       uint64_t *ret_request);

/*
 * The request's callback is not called any more; the manager may carry it out
 * nevertheless. Does nothing when there is no such request.
 */
void natctl_cancel(struct natctl *natctl, uint64_t request);

/*
 * For programs without a loop: processes until every request is answered and
 * the manager is up. 0, or -ETIMEDOUT after `timeout_ms`.
 */
int natctl_wait(struct natctl *natctl, unsigned timeout_ms);

/*
 * Likewise, but until an event was told, after every request was answered. 0,
 * or -ETIMEDOUT; -ENOTCONN: the connection was lost, and with it every
 * subscription.
 */
int natctl_wait_event(struct natctl *natctl, unsigned timeout_ms);

/* The clock of natctl_wait(), for callers without one: ms, monotonic. */
uint64_t natctl_clock(void);

#ifdef __cplusplus
}
#endif

#endif
