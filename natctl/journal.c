/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases that survive the manager: an append-only file. */
#include "natctl/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#define MAGIC       UINT32_C(0x56444a32) /* VDJ2 */
#define FRAME_HEAD  16 /* magic, length, its complement, CRC-32 */
#define TITLE_SIZE  (128 + REALM_MAX * (REALM_NAME_MAX + 1))
#define WRITE_BYTES (1024 * 1024) /* of a frame while the file is begun */
#define TRY_AGAIN   1024          /* commits, after the file was given up */

struct journal {
	struct journal_options options;
	char *path; /* owned */
	char *boot; /* owned */
	int fd;     /* -1: broken, the file is gone */
	uint64_t epoch;
	struct kept_bytes frame; /* that is filled; its head first */
	size_t entries;          /* in the file and the frame */
	size_t begun;            /* entries with which the file was begun */
	unsigned missed;         /* commits since it was given up */
	bool filling;            /* the file is being begun */
	bool failed;             /* something of the frame could not be added */
};

static uint32_t crc32_of(const uint8_t *data, size_t size)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc = table[(crc ^ data[i]) & 15] ^ crc >> 4;
		crc = table[(crc ^ (uint32_t)data[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

static void put_u32(uint8_t *data, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		data[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
	       (uint32_t)data[2] << 8 | data[3];
}

/* What the file is for, as text. */
static int make_title(const struct journal_options *options, uint64_t epoch,
		      char title[TITLE_SIZE])
{
	size_t used;
	int len = snprintf(title, TITLE_SIZE,
			   "viaduct-natctl journal 2 %" PRIu64 " %.64s", epoch,
			   options->boot);

	if (len < 0)
		return -EINVAL;
	used = (size_t)len;
	for (size_t i = 0; i < options->names->count; i++) {
		len = snprintf(title + used, TITLE_SIZE - used, " %s",
			       options->names->names[i]);
		if (len < 0 || (size_t)len >= TITLE_SIZE - used)
			return -EMSGSIZE;
		used += (size_t)len;
	}
	return 0;
}

/* A file that was read. */
struct found {
	const uint8_t *data; /* mapped */
	size_t size;         /* of whole frames */
	size_t mapped;
	size_t title; /* bytes of the first frame */
};

static void put_head(uint8_t *frame, size_t size)
{
	put_u32(frame, MAGIC);
	put_u32(frame + 4, (uint32_t)size);
	put_u32(frame + 8, ~(uint32_t)size);
	put_u32(frame + 12, crc32_of(frame + FRAME_HEAD, size));
}

/* Is there a head at `offset` that can be believed? */
static bool find_head(const struct found *found, size_t offset,
		      size_t *ret_size)
{
	const uint8_t *head = found->data + offset;

	if (found->mapped - offset < FRAME_HEAD || get_u32(head) != MAGIC ||
	    get_u32(head + 4) != ~get_u32(head + 8))
		return false;
	*ret_size = get_u32(head + 4);
	return true;
}

/* The frame at `offset`; false: there is none that is whole. */
static bool find_frame(const struct found *found, size_t offset,
		       const uint8_t **ret_data, size_t *ret_size)
{
	const uint8_t *head = found->data + offset;

	if (!find_head(found, offset, ret_size) ||
	    *ret_size > found->mapped - offset - FRAME_HEAD)
		return false;
	*ret_data = head + FRAME_HEAD;
	return get_u32(head + 12) == crc32_of(*ret_data, *ret_size);
}

/* All entries of a frame, told to the caller or only checked. */
static int read_frame(const struct journal_options *options,
		      const uint8_t *data, size_t size,
		      struct kept_space *space, bool tell, size_t *entries)
{
	struct kept_entry entry;

	while (size > 0) {
		int rc = kept_decode(&data, &size, space, &entry);

		if (rc != 0)
			return rc;
		if (tell)
			options->on_entry(&entry, options->arg);
		++*entries;
	}
	return 0;
}

/* Is what follows no more than a frame that was not written to its end? */
static bool is_torn(const struct found *found, size_t offset)
{
	size_t left = found->mapped - offset;
	size_t size;

	return left < FRAME_HEAD ||
	       (find_head(found, offset, &size) && size > left - FRAME_HEAD);
}

/* Goes over all frames. 0, or -Exxx: the file is of no use. */
static int read_frames(const struct journal_options *options,
		       struct found *found, bool tell, size_t *entries)
{
	struct kept_space *space = calloc(1, sizeof(*space));
	const uint8_t *data;
	size_t offset = found->title;
	size_t size;
	int rc = space == NULL ? -ENOMEM : 0;

	*entries = 0;
	while (rc == 0 && find_frame(found, offset, &data, &size)) {
		rc = read_frame(options, data, size, space, tell, entries);
		offset += FRAME_HEAD + size;
	}
	if (rc == 0 && offset < found->mapped && !is_torn(found, offset))
		rc = -EBADMSG;
	found->size = offset;
	if (space != NULL)
		free(space->ids);
	free(space);
	return rc;
}

/* Is it a file of this boot, with these realms? */
static bool read_title(const struct journal_options *options,
		       struct found *found, uint64_t *ret_epoch)
{
	char title[TITLE_SIZE];
	char seen[TITLE_SIZE];
	const uint8_t *data;
	uint64_t epoch;
	size_t size;

	if (!find_frame(found, 0, &data, &size) || size >= sizeof(seen))
		return false;
	memcpy(seen, data, size);
	seen[size] = '\0';
	if (sscanf(seen, "viaduct-natctl journal 2 %" SCNu64, &epoch) != 1 ||
	    make_title(options, epoch, title) != 0 || strcmp(seen, title) != 0)
		return false;
	found->title = FRAME_HEAD + size;
	*ret_epoch = epoch;
	return true;
}

/* 0, -ENOENT: no file, or of no use; -Exxx. */
static int read_file(struct journal *journal, uint64_t *ret_epoch)
{
	struct found found = { 0 };
	struct stat st;
	void *map = MAP_FAILED;
	int rc = 0;

	journal->fd = open(journal->path,
			   O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (journal->fd < 0)
		return -errno;
	if (fstat(journal->fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
			   journal->fd, 0);
	if (map == MAP_FAILED)
		return -ENOENT;
	found.data = map;
	found.mapped = (size_t)st.st_size;
	if (!read_title(&journal->options, &found, ret_epoch)) {
		log_info("%s: of another boot or other realms", journal->path);
		rc = -ENOENT;
	} else if (read_frames(&journal->options, &found, false,
			       &journal->entries) != 0) {
		log_warn("%s: damaged; the leases in it are forgotten",
			 journal->path);
		rc = -ENOENT;
	} else if (ftruncate(journal->fd, (off_t)found.size) != 0) {
		rc = -errno;
	} else {
		(void)read_frames(&journal->options, &found, true,
				  &journal->entries);
	}
	munmap(map, (size_t)st.st_size);
	return rc;
}

/* The file is not what it should be: none is better. */
static void give_up(struct journal *journal, int rc)
{
	log_error("%s: %s; leases do not survive the manager until it can be "
		  "written",
		  journal->path, strerror(-rc));
	journal->missed = 0;
	(void)unlink(journal->path);
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Room for the frame's head; empties the frame. */
static int begin_frame(struct journal *journal)
{
	struct kept_bytes *frame = &journal->frame;

	journal->failed = false;
	if (frame->data == NULL) {
		frame->size = 4096;
		frame->data = malloc(frame->size);
	}
	frame->used = FRAME_HEAD;
	return frame->data == NULL ? -ENOMEM : 0;
}

static int write_frame(struct journal *journal)
{
	struct kept_bytes *frame = &journal->frame;
	int rc;

	if (journal->failed)
		return -ENOMEM;
	if (frame->used <= FRAME_HEAD)
		return 0;
	put_head(frame->data, frame->used - FRAME_HEAD);
	rc = write_all(journal->fd, frame->data, frame->used);
	frame->used = FRAME_HEAD;
	return rc;
}

static int write_title(struct journal *journal)
{
	char title[TITLE_SIZE];
	uint8_t *frame;
	size_t size;
	int rc = make_title(&journal->options, journal->epoch, title);

	if (rc != 0)
		return rc;
	size = strlen(title);
	frame = malloc(FRAME_HEAD + size);
	if (frame == NULL)
		return -ENOMEM;
	memcpy(frame + FRAME_HEAD, title, size);
	put_head(frame, size);
	rc = write_all(journal->fd, frame, FRAME_HEAD + size);
	free(frame);
	return rc;
}

/* A file that holds what is true now takes the place of the one there is. */
static int begin_file(struct journal *journal)
{
	const struct keeper keeper = { &journal_ops, journal };
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s.new", journal->path);
	int old = journal->fd;
	int rc;

	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	journal->fd = open(path,
			   O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC |
				   O_NOFOLLOW,
			   0600);
	rc = journal->fd < 0 ? -errno : write_title(journal);
	if (rc == 0)
		rc = begin_frame(journal);
	if (rc == 0) {
		journal->entries = 0;
		journal->filling = true;
		journal->options.tell_all(&keeper, journal->options.arg);
		journal->filling = false;
		rc = write_frame(journal);
	}
	if (rc == 0 && rename(path, journal->path) != 0)
		rc = -errno;
	if (old >= 0)
		close(old);
	if (rc != 0) {
		(void)unlink(path);
		return rc;
	}
	journal->begun = journal->entries;
	return 0;
}

static void journal_add(void *arg, const struct kept_entry *entry)
{
	struct journal *journal = arg;

	if (journal->fd < 0 || journal->failed)
		return;
	journal->entries++;
	if (kept_encode(&journal->frame, entry) != 0)
		journal->failed = true;
	if (journal->filling && journal->frame.used > WRITE_BYTES &&
	    write_frame(journal) != 0)
		journal->failed = true;
}

static void journal_commit(void *arg)
{
	struct journal *journal = arg;
	bool is_due = journal->entries >= JOURNAL_COMPACT_MIN &&
		      journal->entries / 4 >= journal->begun;
	int rc;

	if (journal->fd < 0)
		is_due = ++journal->missed % TRY_AGAIN == 0;
	else if ((rc = write_frame(journal)) != 0)
		give_up(journal, rc);
	if (is_due && (rc = begin_file(journal)) != 0)
		give_up(journal, rc);
}

const struct keeper_ops journal_ops = {
	.add = journal_add,
	.commit = journal_commit,
};

int journal_open(const struct journal_options *options, uint64_t *epoch,
		 bool *ret_found, struct journal **ret_journal)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	uint64_t found_epoch = *epoch;
	int rc = -ENOMEM;

	if (journal == NULL)
		return rc;
	journal->fd = -1;
	journal->options = *options;
	journal->path = strdup(options->path);
	journal->boot = strdup(options->boot);
	if (journal->path == NULL || journal->boot == NULL)
		goto fail;
	journal->options.boot = journal->boot;
	rc = begin_frame(journal);
	if (rc == 0)
		rc = read_file(journal, &found_epoch);
	if (rc != 0 && rc != -ENOENT)
		goto fail;
	*ret_found = rc == 0;
	journal->epoch = *ret_found ? found_epoch : *epoch;
	journal->begun = journal->entries;
	rc = *ret_found ? 0 : begin_file(journal);
	if (rc != 0)
		goto fail;
	*epoch = journal->epoch;
	*ret_journal = journal;
	return 0;
fail:
	journal_close(journal);
	return rc;
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->frame.data);
	free(journal->path);
	free(journal->boot);
	free(journal);
}
