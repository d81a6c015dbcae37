/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viaduct-proxy: options, configuration, wiring, the loop. */
#define SU_TIMER_ARG_T struct program
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sofia-sip/su.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "common/sock.h"
#include "proxy/carrier.h"
#include "proxy/dispatch.h"
#include "proxy/keepalive.h"
#include "proxy/resolver.h"
#include "proxy/silence.h"
#include "proxy/sofia_guard.h"
#include "proxy/status.h"
#include "proxy/tighten.h"
#include "proxy/watch.h"

#define EXPIRE_MS 30000 /* how often old bindings are looked for */

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_MISUSE
};

struct options {
	const char *conf_path;
	enum action action;
	enum log_level level;
};

struct program {
	struct conf *conf;           /* owned */
	su_root_t *root;             /* owned */
	struct natlink *natlink;     /* owned */
	struct edge *edge;           /* owned */
	struct resolver *resolver;   /* owned */
	struct certs *certs;         /* owned */
	struct status *status;       /* owned */
	struct carriers *carriers;   /* owned */
	struct keepalive *keepalive; /* owned */
	struct registrar registrar;
	struct calls calls;
	struct dispatch dispatch;
	struct watch signals;
	su_timer_t *expire; /* owned */
	int signal_fd;
	bool has_registrar;
	bool has_calls;
};

static const char usage[] =
	"usage: viaduct-proxy [-c FILE] [-n] [-v]\n"
	"\n"
	"  -c FILE      configuration (" CONF_DEFAULT_PATH ")\n"
	"  -n           check the configuration and the users, touch nothing\n"
	"  -v           say more\n"
	"  --help, --version\n";

static struct options parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "help", no_argument, NULL, ACTION_HELP },
		{ "version", no_argument, NULL, ACTION_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .conf_path = CONF_DEFAULT_PATH,
				   .action = ACTION_RUN,
				   .level = LOG_LEVEL_INFO };
	int name;

	while ((name = getopt_long(argc, argv, "c:nv", names, NULL)) != -1) {
		if (name == 'c')
			options.conf_path = optarg;
		else if (name == 'v')
			options.level = LOG_LEVEL_DEBUG;
		else if (name == 'n')
			options.action = ACTION_CHECK;
		else if (name == '?')
			options.action = ACTION_MISUSE;
		else if (options.action != ACTION_MISUSE)
			options.action = (enum action)name;
	}
	if (optind < argc)
		options.action = ACTION_MISUSE;
	return options;
}

static void on_renewed(void *arg)
{
	struct program *program = arg;
	struct table_node *pos;

	if (!program->has_calls)
		return;
	table_for_each(pos, &program->calls.by_token)
		tighten_renew(container_of(pos, struct call, by_token));
}

static void on_listening(void *arg)
{
	struct program *program = arg;

	if (program->has_calls)
		silence_forget(&program->calls);
}

static void on_silence(const struct natctl_event *event, void *arg)
{
	struct program *program = arg;

	if (program->has_calls)
		silence_event(&program->calls, event);
}

/* Certificates only; connections that are there keep theirs. */
static void reload(struct program *program)
{
	if (certs_reload(program->certs, stderr) == 0)
		log_info("signal: certificates are read anew");
	else
		log_error("signal: certificates stay as they were");
}

static void on_signal(short revents, void *arg)
{
	struct program *program = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(program->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload(program);
			continue;
		}
		log_info("signal: ending");
		su_root_break(program->root);
	}
}

static int make_signals(struct program *program)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	program->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (program->signal_fd < 0)
		return -errno;
	watch_init(&program->signals, program->root, on_signal, program);
	return watch_start(&program->signals, program->signal_fd, POLLIN);
}

static void on_expire(su_root_magic_t *magic, su_timer_t *timer,
		      struct program *program)
{
	(void)magic;
	(void)timer;
	location_expire(&program->registrar.location, mono_ms());
}

static int make_expire(struct program *program)
{
	program->expire = su_timer_create(su_root_task(program->root),
					  EXPIRE_MS);
	if (program->expire == NULL ||
	    su_timer_set_for_ever(program->expire, on_expire, program) < 0)
		return -ENOMEM;
	return 0;
}

static int make_calls(struct program *program)
{
	struct edge_hooks hooks = { .on_request = dispatch_request,
				    .on_response = dispatch_response,
				    .arg = &program->dispatch };
	int error = calls_init(&program->calls);

	if (error != 0)
		return error;
	error = limits_init(&program->dispatch.limits, program->conf,
			    program->calls.seed);
	if (error != 0) {
		calls_done(&program->calls);
		return error;
	}
	program->has_calls = true;
	program->calls.conf = program->conf;
	program->calls.root = program->root;
	program->calls.natlink = program->natlink;
	program->dispatch.conf = program->conf;
	program->dispatch.calls = &program->calls;
	program->dispatch.registrar = &program->registrar;
	error = edge_new(program->root, program->conf, program->certs, &hooks,
			 &program->edge);
	program->calls.edge = program->edge;
	if (error == 0)
		error = carriers_new(program->root, program->edge,
				     program->conf, &program->dispatch.trunks,
				     &program->carriers);
	program->dispatch.carriers = program->carriers;
	if (error == 0)
		error = keepalive_new(program->root, program->conf,
				      program->edge,
				      &program->registrar.location,
				      &program->keepalive);
	return error;
}

/* The socket is that of the user whom the process becomes. */
static int give_to_user(const char *user, const char *path)
{
	const struct passwd *entry;

	if (user == NULL)
		return 0;
	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return errno != 0 ? -errno : -ENOENT;
	return chown(path, entry->pw_uid, entry->pw_gid) < 0 ? -errno : 0;
}

static int make_sockets(struct program *program)
{
	struct natlink_hooks hooks = { .on_renewed = on_renewed,
				       .on_listening = on_listening,
				       .on_event = on_silence,
				       .silence = program->conf->media_timeout,
				       .arg = program };
	char path[PATH_MAX];
	int error = sock_make_dir(program->conf->rundir);

	if (error == 0)
		error = conf_socket_path(program->conf, "natctl.sock", path,
					 sizeof(path));
	if (error == 0)
		error = natlink_new(program->root, path, &hooks,
				    &program->natlink);
	if (error == 0)
		error = make_calls(program);
	if (error == 0)
		error = conf_socket_path(program->conf, "proxy.sock", path,
					 sizeof(path));
	if (error == 0)
		error = status_new(&program->dispatch, path, &program->status);
	if (error == 0)
		error = give_to_user(program->conf->user, path);
	return error;
}

static int run(struct program *program)
{
	int error;

	sofia_guard_init();
	if (su_init() < 0)
		return -ENOMEM;
	program->root = su_root_create(NULL);
	if (program->root == NULL)
		return -ENOMEM;
	su_root_threading(program->root, 0);
	error = make_signals(program);
	if (error == 0)
		error = make_expire(program);
	if (error == 0)
		error = make_sockets(program);
	if (error == 0)
		error = resolver_new(program->root, program->conf,
				     &program->dispatch.trunks,
				     &program->resolver);
	if (error == 0)
		error = privs_drop(program->conf->user, false);
	if (error != 0) {
		log_error("cannot start: %s", strerror(-error));
		return error;
	}
	log_info("ready, %zu listeners, %zu accounts",
		 program->conf->listen_count, program->registrar.users.count);
	su_root_run(program->root);
	return 0;
}

static void program_done(struct program *program)
{
	status_free(program->status);
	if (program->has_calls) {
		calls_done(&program->calls);
		limits_done(&program->dispatch.limits);
	}
	carriers_free(program->carriers);
	keepalive_free(program->keepalive);
	resolver_free(program->resolver);
	edge_free(program->edge);
	certs_free(program->certs);
	natlink_free(program->natlink);
	watch_stop(&program->signals);
	if (program->expire != NULL)
		su_timer_destroy(program->expire);
	if (program->signal_fd >= 0)
		close(program->signal_fd);
	if (program->root != NULL) {
		su_root_destroy(program->root);
		su_deinit();
	}
	trunk_list_done(&program->dispatch.trunks);
	if (program->has_registrar)
		registrar_done(&program->registrar);
	conf_free(program->conf);
}

/* Reads all that there is to read; nothing else is touched. */
static int read_all(struct program *program, const char *path)
{
	int error;

	program->conf = conf_read(path, stderr);
	if (program->conf == NULL)
		return -EINVAL;
	error = registrar_init(&program->registrar, program->conf, stderr);
	if (error != 0) {
		if (error != -EINVAL)
			log_error("users: %s", strerror(-error));
		return error;
	}
	program->has_registrar = true;
	error = certs_new(program->conf, stderr, &program->certs);
	if (error != 0)
		return error;
	return trunk_list_init(&program->dispatch.trunks, program->conf);
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	struct program program = { .signal_fd = -1 };
	int error;

	if (options.action == ACTION_HELP || options.action == ACTION_MISUSE) {
		fputs(usage, options.action == ACTION_HELP ? stdout : stderr);
		return options.action == ACTION_HELP ? EXIT_SUCCESS :
						       EXIT_FAILURE;
	}
	if (options.action == ACTION_VERSION) {
		puts("viaduct-proxy " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	log_open("viaduct-proxy", options.level);
	error = read_all(&program, options.conf_path);
	if (error == 0 && options.action == ACTION_RUN)
		error = run(&program);
	program_done(&program);
	return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
