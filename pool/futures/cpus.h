/* How many processors this process may use. */
#ifndef GILUA_POOL_FUTURES_CPUS_H
#define GILUA_POOL_FUTURES_CPUS_H

/* cpus_usable is the number of processors of the affinity mask, bounded by the quota of the control group (v1 or v2, and
 * of those around it), at least 1. Reads files: some 50 us. Threads: any. */
int cpus_usable(void);

/* cpus_quota is the processors' worth of time that the group whose files are below `root` allows, rounded up; 0: no bound.
 * root is "/sys/fs/cgroup", cgroup the text of /proc/self/cgroup. For tests. */
int cpus_quota(const char *root, const char *cgroup);

#endif
