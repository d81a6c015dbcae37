/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UNIX sockets: umask, mode, peer credentials; non-blocking, close-on-exec. */
#include "config.h"

#include "common/sock.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int address_of(const char *path, struct sockaddr_un *ret)
{
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(ret->sun_path, path);
	return 0;
}

static int socket_new(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Created with exactly this mode: there is no moment with a wider one. */
static int bind_with_mode(int fd, const struct sockaddr_un *address,
			  mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int r = 0;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		r = -errno;
	umask(old);
	return r;
}

/* Removes what a dead server left; -EADDRINUSE when it is not that. */
static int remove_stale(const char *path, int type)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = sock_connect(path, type);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int sock_listen(const char *path, int type, mode_t mode)
{
	struct sockaddr_un address;
	int fd, r;

	r = address_of(path, &address);
	if (r < 0)
		return r;
	fd = socket_new(type);
	if (fd < 0)
		return fd;
	r = bind_with_mode(fd, &address, mode);
	if (r == -EADDRINUSE) {
		r = remove_stale(path, type);
		if (r == 0)
			r = bind_with_mode(fd, &address, mode);
	}
	if (r < 0)
		goto fail;
	if (listen(fd, BACKLOG) < 0) {
		r = -errno;
		unlink(path);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return r;
}

int sock_connect(const char *path, int type)
{
	struct sockaddr_un address;
	int fd, r;

	r = address_of(path, &address);
	if (r < 0)
		return r;
	fd = socket_new(type);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int sock_accept(int fd)
{
	int client;

	do {
		client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (client < 0 && (errno == EINTR || errno == ECONNABORTED));
	return client < 0 ? -errno : client;
}

int sock_peer(int fd, struct sock_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret = (struct sock_peer){ cred.uid, cred.gid, cred.pid };
	return 0;
}

int sock_make_dir(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *slash = part; *part && slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (slash)
			*slash = '/';
	}
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
