/*
 * Stands between a program and the C library for everything that changes files below some directories.
 *
 * It counts those calls over all threads, can let the n-th one fail, fall short or be the last thing the process does,
 * and keeps an image of what is durable: bytes enter it when a sync of their file succeeds, and bytes of a sync that
 * failed never do, however often it is repeated and by whatever process: they are noted beside the image. What is not
 * modelled: names are durable at once, and unsynced bytes never reach the disk by themselves.
 *
 * Told by the environment: SHIM_DIRS, the directories, with colons between them; SHIM_CONTROL, a file with struct
 * control; SHIM_IMAGE, a directory with one file per inode, and INODE.lost for what failed syncs lost of it. Children
 * are not watched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { OPEN, WRITE, PWRITE, TRUNCATE, FSYNC, FDATASYNC, RENAME, UNLINK, MKDIR, COPY, CALLS };
enum action { PASS, FAIL, KILL_BEFORE, KILL_AFTER, SHORT };
enum { KINDS = 4 };

struct control {
  int32_t action, calls, files, error;
  int64_t from, times; /* the action is for the matching calls from .. from + times - 1, the first being 1 */
  int64_t seen, hit;
  int64_t opening; /* not 0: until this call less 1 was made on the store, and failed, no other is counted or hit */
  int64_t by_call[CALLS];
  int64_t by_kind[CALLS][KINDS]; /* the same since calls were last named, and only after the opening one */
};

struct dirty { ino_t file; off_t from, to; };

enum { MOST_DIRS = 4 };
static char dirs[MOST_DIRS][4096], image[4096];
static size_t dir_count;
static struct control *control;
static __thread int fails_with;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dirty *dirty;
static size_t dirty_count, dirty_room;
static ino_t *known;
static size_t known_count;

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

__attribute__((constructor)) static void begin(void) {
  const char *where = getenv("SHIM_DIRS"), *file = getenv("SHIM_CONTROL"), *keep = getenv("SHIM_IMAGE");
  unsetenv("LD_PRELOAD");
  if (!where || !file || !keep) return;
  snprintf(image, sizeof image, "%s", keep);
  int fd = REAL(open64)(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (control == MAP_FAILED) abort();
  close(fd);
  while (*where && dir_count < MOST_DIRS) {
    size_t length = strcspn(where, ":");
    snprintf(dirs[dir_count++], sizeof dirs[0], "%.*s/", (int)length, where);
    where += length + (where[length] == ':');
  }
}

/* How much of a path is the directory of ours that it lies below; 0 for none. */
static size_t ours(const char *path) {
  for (size_t i = 0; i < dir_count; i++) {
    size_t length = strlen(dirs[i]);
    if (strncmp(path, dirs[i], length) == 0) return length;
  }
  return 0;
}

/* The directories themselves are ours as well: puts a slash behind the path of one. */
static void close_dir(char *path, size_t size) {
  size_t length = strlen(path);
  for (size_t i = 0; i < dir_count; i++) {
    if (length + 1 == strlen(dirs[i]) && length + 1 < size && strncmp(path, dirs[i], length) == 0) {
      strcat(path, "/");
      return;
    }
  }
}

/* The path of a descriptor, if it is one of ours. */
static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = dir_count ? readlink(link, path, size - 1) : -1;
  if (length < 0) return 0;
  path[length] = 0;
  close_dir(path, size);
  return ours(path) != 0;
}

static int kind(const char *path) {
  const char *name = path + ours(path);
  if (strncmp(name, "store/", 6) == 0) return 1;
  if (strcmp(name, "head") == 0) return 2;
  if (strcmp(name, "keys") == 0) return 4;
  return 8;
}

/* Counts a call and says what is to become of it. */
static enum action judge(enum call call, const char *path) {
  __atomic_add_fetch(&control->by_call[call], 1, __ATOMIC_SEQ_CST);
  int64_t opening = __atomic_load_n(&control->opening, __ATOMIC_SEQ_CST);
  if (opening) {
    if (opening != call + 1 || kind(path) != 1) return PASS;
    fails_with = EIO;
    return __atomic_exchange_n(&control->opening, 0, __ATOMIC_SEQ_CST) ? FAIL : PASS;
  }
  __atomic_add_fetch(&control->by_kind[call][__builtin_ctz((unsigned)kind(path))], 1, __ATOMIC_SEQ_CST);
  if (!(control->calls >> call & 1) || !(control->files & kind(path))) return PASS;
  int64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
  enum action action = (enum action)__atomic_load_n(&control->action, __ATOMIC_SEQ_CST);
  if (action == PASS || number < control->from || number - control->from >= control->times) return PASS;
  __atomic_add_fetch(&control->hit, 1, __ATOMIC_SEQ_CST);
  if (action == KILL_BEFORE) kill(getpid(), SIGKILL);
  fails_with = control->error;
  return action;
}

static void after(enum action action) {
  if (action == KILL_AFTER) kill(getpid(), SIGKILL);
}

static void put_dirty(ino_t file, off_t from, off_t to) {
  if (from >= to) return;
  if (dirty_count == dirty_room) {
    dirty_room = dirty_room ? dirty_room * 2 : 256;
    dirty = realloc(dirty, dirty_room * sizeof *dirty);
    if (!dirty) abort();
  }
  dirty[dirty_count++] = (struct dirty){file, from, to};
}

static void lost_name(char *name, size_t size, ino_t file) { snprintf(name, size, "%s/%lu.lost", image, (unsigned long)file); }

static int by_begin(const void *a, const void *b) {
  off_t one = ((const struct dirty *)a)->from, other = ((const struct dirty *)b)->from;
  return (one > other) - (one < other);
}

/* All of a file but what failed syncs lost of it. */
static void put_dirty_but_lost(ino_t file, off_t size) {
  char name[5000];
  struct stat stat;
  off_t at = 0;
  lost_name(name, sizeof name, file);
  int fd = REAL(open64)(name, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && fstat(fd, &stat) == 0) {
    size_t count = (size_t)stat.st_size / sizeof(struct dirty);
    struct dirty *lost = malloc((size_t)stat.st_size + 1);
    if (!lost || pread(fd, lost, count * sizeof *lost, 0) != (ssize_t)(count * sizeof *lost)) abort();
    qsort(lost, count, sizeof *lost, by_begin);
    for (size_t i = 0; i < count; i++) {
      put_dirty(file, at, lost[i].from < size ? lost[i].from : size);
      if (lost[i].to > at) at = lost[i].to;
    }
    free(lost);
  }
  if (fd >= 0) close(fd);
  put_dirty(file, at, size);
}

/* Notes what a sync that failed was to make durable. */
static void lose(ino_t file, const struct dirty *taken, size_t count) {
  char name[5000];
  lost_name(name, sizeof name, file);
  int fd = REAL(open64)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ssize_t size = (ssize_t)(count * sizeof *taken);
  if (fd < 0 || REAL(write)(fd, taken, (size_t)size) != size) abort();
  close(fd);
}

/*
 * Puts a range on the list of what is not synced. Of a file that this process meets for the first time all bytes are: an
 * earlier process may have written and not synced them, and the next sync covers them. What a failed sync lost is not.
 */
static void unsynced(ino_t file, off_t size, off_t from, off_t to) {
  pthread_mutex_lock(&lock);
  size_t i = 0;
  while (i < known_count && known[i] != file) i++;
  if (i == known_count) {
    known = realloc(known, (known_count + 1) * sizeof *known);
    if (!known) abort();
    known[known_count++] = file;
    put_dirty_but_lost(file, size);
  }
  put_dirty(file, from, to);
  pthread_mutex_unlock(&lock);
}

static void wrote(int fd, off_t from, off_t to) {
  struct stat stat;
  if (fstat(fd, &stat) == 0) unsynced(stat.st_ino, stat.st_size, from, to);
}

/* Takes the unsynced ranges of a file off the list, as a sync does when it begins. */
static struct dirty *take(ino_t file, size_t *count) {
  pthread_mutex_lock(&lock);
  struct dirty *taken = malloc((dirty_count + 1) * sizeof *taken);
  if (!taken) abort();
  size_t kept = 0;
  *count = 0;
  for (size_t i = 0; i < dirty_count; i++) {
    if (dirty[i].file == file) taken[(*count)++] = dirty[i];
    else dirty[kept++] = dirty[i];
  }
  dirty_count = kept;
  pthread_mutex_unlock(&lock);
  return taken;
}

/* Copies ranges of a file into the image. */
static void keep(const char *path, const struct stat *stat, const struct dirty *taken, size_t count) {
  char name[5000];
  static const size_t STEP = 1 << 16;
  char *bytes = malloc(STEP);
  snprintf(name, sizeof name, "%s/%lu", image, (unsigned long)stat->st_ino);
  int from = REAL(open64)(path, O_RDONLY | O_CLOEXEC), to = REAL(open64)(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (!bytes || from < 0 || to < 0) abort();
  for (size_t i = 0; i < count; i++) {
    for (off_t at = taken[i].from; at < taken[i].to;) {
      size_t want = (size_t)(taken[i].to - at) < STEP ? (size_t)(taken[i].to - at) : STEP;
      ssize_t got = pread(from, bytes, want, at);
      if (got <= 0 || REAL(pwrite64)(to, bytes, (size_t)got, at) != got) break;
      at += got;
    }
  }
  /* A longer sync that began earlier ends later: the length it began with must not cut off what others kept since. */
  struct stat now, kept;
  pthread_mutex_lock(&lock);
  if (fstat(from, &now) != 0 || fstat(to, &kept) != 0) abort();
  off_t length = stat->st_size > kept.st_size ? stat->st_size : kept.st_size;
  if (REAL(ftruncate64)(to, length < now.st_size ? length : now.st_size) != 0) abort();
  pthread_mutex_unlock(&lock);
  close(from);
  close(to);
  free(bytes);
}

static int sync_file(enum call call, int fd, int (*real)(int)) {
  char path[4096];
  struct stat stat;
  if (!path_of(fd, path, sizeof path) || fstat(fd, &stat) != 0) return real(fd);
  enum action action = judge(call, path);
  size_t count = 0;
  if (S_ISREG(stat.st_mode)) unsynced(stat.st_ino, stat.st_size, 0, 0);
  struct dirty *taken = take(stat.st_ino, &count);
  int result = -1, error = fails_with;
  if (action != FAIL) {
    result = real(fd);
    error = errno;
    if (result == 0 && S_ISREG(stat.st_mode)) keep(path, &stat, taken, count);
  } else if (S_ISREG(stat.st_mode)) {
    lose(stat.st_ino, taken, count);
  }
  free(taken);
  after(action);
  errno = error;
  return result;
}

int fsync(int fd) { return sync_file(FSYNC, fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_file(FDATASYNC, fd, REAL(fdatasync)); }

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  char path[4096];
  if (!path_of(fd, path, sizeof path)) return REAL(pwrite64)(fd, bytes, size, at);
  enum action action = judge(PWRITE, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  ssize_t done = REAL(pwrite64)(fd, bytes, action == SHORT ? size / 2 : size, at);
  if (done > 0) wrote(fd, at, at + done);
  after(action);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

ssize_t write(int fd, const void *bytes, size_t size) {
  char path[4096];
  if (!path_of(fd, path, sizeof path)) return REAL(write)(fd, bytes, size);
  enum action action = judge(WRITE, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  ssize_t done = REAL(write)(fd, bytes, action == SHORT ? size / 2 : size);
  off_t end = lseek(fd, 0, SEEK_CUR);
  if (done > 0) wrote(fd, end - done, end);
  after(action);
  return done;
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
  char path[4096];
  if (!path_of(out, path, sizeof path)) return REAL(copy_file_range)(in, in_at, out, out_at, size, flags);
  enum action action = judge(COPY, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  ssize_t done = REAL(copy_file_range)(in, in_at, out, out_at, size, flags);
  off_t end = out_at ? *out_at : lseek(out, 0, SEEK_CUR);
  if (done > 0) wrote(out, end - done, end);
  after(action);
  return done;
}

int ftruncate64(int fd, off64_t size) {
  char path[4096];
  if (!path_of(fd, path, sizeof path)) return REAL(ftruncate64)(fd, size);
  enum action action = judge(TRUNCATE, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  int result = REAL(ftruncate64)(fd, size);
  after(action);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (!ours(path) || !(flags & (O_CREAT | O_TRUNC))) return REAL(open64)(path, flags, mode);
  enum action action = judge(OPEN, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  int fd = REAL(open64)(path, flags, mode);
  after(action);
  return fd;
}

int rename(const char *from, const char *to) {
  if (!ours(to)) return REAL(rename)(from, to);
  enum action action = judge(RENAME, to);
  if (action == FAIL) { errno = fails_with; return -1; }
  int result = REAL(rename)(from, to);
  after(action);
  return result;
}

/* An inode may be used again: what was durable of it goes with its last name. */
static void forget(const struct stat *stat) {
  char name[5000];
  size_t count;
  if (!S_ISREG(stat->st_mode) || stat->st_nlink > 1) return;
  free(take(stat->st_ino, &count));
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < known_count; i++) {
    if (known[i] == stat->st_ino) known[i] = known[--known_count];
  }
  pthread_mutex_unlock(&lock);
  snprintf(name, sizeof name, "%s/%lu", image, (unsigned long)stat->st_ino);
  REAL(unlink)(name);
  lost_name(name, sizeof name, stat->st_ino);
  REAL(unlink)(name);
}

int unlink(const char *path) {
  struct stat stat;
  if (!ours(path)) return REAL(unlink)(path);
  enum action action = judge(UNLINK, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  int known = lstat(path, &stat) == 0, result = REAL(unlink)(path);
  if (known && result == 0) forget(&stat);
  after(action);
  return result;
}

int unlinkat(int at, const char *name, int flags) {
  char path[8300];
  struct stat stat;
  if (at == AT_FDCWD) {
    /* The last call of the removal of a directory with all in it names it by its path. */
    snprintf(path, sizeof path, "%s", name);
    if (!ours(path)) return REAL(unlinkat)(at, name, flags);
  } else {
    if (!path_of(at, path, 4096)) return REAL(unlinkat)(at, name, flags);
    strncat(strcat(path, "/"), name, 4096);
  }
  enum action action = judge(UNLINK, path);
  if (action == FAIL) { errno = fails_with; return -1; }
  int known = fstatat(at, name, &stat, AT_SYMLINK_NOFOLLOW) == 0, result = REAL(unlinkat)(at, name, flags);
  if (known && result == 0) forget(&stat);
  after(action);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  char closed[4096];
  snprintf(closed, sizeof closed, "%s", path);
  close_dir(closed, sizeof closed);
  if (!ours(closed)) return REAL(mkdir)(path, mode);
  enum action action = judge(MKDIR, closed);
  if (action == FAIL) { errno = fails_with; return -1; }
  int result = REAL(mkdir)(path, mode);
  after(action);
  return result;
}
