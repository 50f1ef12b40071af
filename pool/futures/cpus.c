/* The affinity mask and the quotas of control groups.
 *
 * /proc/self/cgroup has a line "0::/path" for v2 and "4:cpu,cpuacct:/path" for v1. In a container the path may be that of
 * the host, while the files at the root are the container's own: every directory from the path up to the root is tried. */
#include "pool/futures/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CPUS = 16384, PATH_SIZE = 4096 };

static int cpus_allowed(void) {
  cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
  if (set == NULL) return 1;
  size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
  CPU_ZERO_S(size, set);
  int n = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 1;
  CPU_FREE(set);
  return n > 0 ? n : 1;
}

/* Reads a small file into text; false if it is not there. */
static int read_file(const char *path, char *text, size_t size) {
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  size_t n = fread(text, 1, size - 1, f);
  text[n] = '\0';
  fclose(f);
  return n > 0;
}

static int rounded_up(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  long long n = (quota + period - 1) / period;
  return n > MOST_CPUS ? MOST_CPUS : (int)n;
}

/* The quota in one directory; 0: none. */
static int quota_v2(const char *dir) {
  char path[PATH_SIZE + 32], text[128];
  long long quota, period;
  snprintf(path, sizeof path, "%s/cpu.max", dir);
  if (!read_file(path, text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2) return 0; /* "max …" */
  return rounded_up(quota, period);
}

static int quota_v1(const char *dir) {
  char path[PATH_SIZE + 32], text[64];
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", dir);
  if (!read_file(path, text, sizeof text)) return 0;
  long long quota = atoll(text);
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
  return read_file(path, text, sizeof text) ? rounded_up(quota, atoll(text)) : 0;
}

static int smaller(int a, int b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* The least quota from base/path up to base. */
static int least_quota(const char *base, const char *path, int (*quota)(const char *dir)) {
  char dir[PATH_SIZE];
  int least = 0, length = snprintf(dir, sizeof dir, "%s%s", base, strcmp(path, "/") == 0 ? "" : path);
  if (length < 0 || length >= (int)sizeof dir) return 0;
  for (size_t end = strlen(base);;) {
    least = smaller(least, quota(dir));
    char *slash = strrchr(dir, '/');
    if (strlen(dir) <= end || slash == NULL || slash < dir + end) return least;
    *slash = '\0';
  }
}

/* Does the list "cpu,cpuacct" name the processor controller? */
static int has_cpu(const char *list) {
  for (const char *p = list; p != NULL; p = strchr(p, ','), p = p != NULL ? p + 1 : NULL)
    if (strncmp(p, "cpu", 3) == 0 && (p[3] == ',' || p[3] == '\0')) return 1;
  return 0;
}

int cpus_quota(const char *root, const char *cgroup) {
  int least = 0;
  char line[PATH_SIZE];
  for (const char *p = cgroup; *p != '\0';) {
    size_t n = strcspn(p, "\n");
    if (n < sizeof line) {
      memcpy(line, p, n);
      line[n] = '\0';
      char *list = strchr(line, ':'), *path = list != NULL ? strchr(list + 1, ':') : NULL;
      if (path != NULL) {
        *path++ = '\0';
        list++;
        char base[PATH_SIZE + 8];
        snprintf(base, sizeof base, "%s%s%s", root, *list != '\0' ? "/" : "", *list != '\0' ? "cpu" : "");
        if (*list == '\0') least = smaller(least, least_quota(root, path, quota_v2));
        else if (has_cpu(list)) least = smaller(least, least_quota(base, path, quota_v1));
      }
    }
    p += n + (p[n] == '\n');
  }
  return least;
}

int cpus_usable(void) {
  char cgroup[PATH_SIZE];
  int allowed = cpus_allowed();
  if (!read_file("/proc/self/cgroup", cgroup, sizeof cgroup)) return allowed;
  int quota = cpus_quota("/sys/fs/cgroup", cgroup);
  return quota != 0 && quota < allowed ? quota : allowed;
}
