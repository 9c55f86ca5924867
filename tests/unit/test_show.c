// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl against the fake peer: what is shown of many pins, and what it takes
 * from /proc for that: here the pins are this process's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "ctl.h"
#include "fake_calls.h"
#include "fake_peer.h"
#include "../../tools/revokectl/revokectl.h"
#include "tap.h"

#define PAGE 4096UL
#define TAIL "  active  revoked 0 forced 1\n"

static char line[512];

static int runf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int runf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return run(line);
}

/* The ids of the pins that were shown, as JSON, one after the other */
static const char *ids(void)
{
	static char list[64];
	char path[16];
	int i;

	list[0] = '\0';
	for (i = 0; i < 8; i++) {
		const char *id;

		snprintf(path, sizeof(path), "%d.id", i);
		id = json_value(path);
		if (strcmp(id, "(nothing)"))
			strcat(list, id);
	}
	return list;
}

static bool shown(const char *want)
{
	if (!strcmp(ids(), want))
		return true;
	printf("# shown: %s, wanted: %s, said: %s\n", ids(), want, err);
	return false;
}

static void test_filters(void)
{
	fake_start();
	fake.pin[2].pid = getpid();
	fake.pin[2].comm = "other";
	fake.pin[3].len = 64 << 20;
	fake.pin[3].pid = 1 << 30;
	ok(!runf("-j pin show pid %d", getpid()) && shown("2"), "filter: pid");
	ok(fake.want_pid == (uint32_t)getpid() && !*fake.want_device,
	   "filter: the kernel leaves out the others");
	ok(!run("-j pin show comm other") && shown("2"), "filter: comm");
	ok(!run("-j pin show comm othe") && shown("") && !strcmp(out, "[]\n"),
	   "filter: comm, nothing has it");
	ok(!runf("-j pin show uid %d pid %d", getuid(), getpid()) && shown("2"),
	   "filter: uid, and another word");
	ok(!run("-j pin show uid 4000000000") && shown(""), "filter: uid, of nobody");
	ok(!run("-j pin show driver rdma_rxe") && shown("123") &&
	   !run("-j pin show driver rdma") && shown(""), "filter: driver, the whole word");
	ok(!run("-j pin show device rxe0") && shown("123") &&
	   !run("-j pin show device rxe") && shown(""), "filter: device, the whole word");
	/* 0x7f0000001000 to 3000 are their beginnings, all but 3 have 32 MiB. */
	ok(!run("-j pin show overlap 0x7f0000001000") && shown("1") &&
	   !run("-j pin show overlap 0x7f0000001000+0x1001") && shown("12") &&
	   !run("-j pin show overlap 0x7f0002001fff") && shown("23") &&
	   !run("-j pin show overlap 0x7f0002002000") && shown("3"),
	   "filter: overlap, to the byte");
	ok(!run("-j pin show top 2") && shown("31") && !run("-j pin show top 9") &&
	   shown("312"), "top: the largest, then as they came");
	fake.dump_intr = 2;
	ok(!run("-j pin show device rxe0") && shown("123") && !*err &&
	   !strcmp(fake.want_device, "rxe0") && !fake.want_pid,
	   "changed: it is read again");
	fake.dump_intr = 3;
	ok(!run("-j pin show") && shown("123") && strstr(err, "came or went"),
	   "changed: or told with a warning");
	fake_stop();
}

static void test_file(void)
{
	char path[] = "/tmp/test_show-XXXXXX", other[] = "/tmp/test_show-XXXXXX";
	int fd = mkstemp(path), fd2 = mkstemp(other);
	char *map;

	if (fd < 0 || fd2 < 0 || ftruncate(fd, 8 * PAGE))
		abort();
	/* Pages 2 to 5 of the file; pin 1 has the first two of these. */
	map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
	fake_start();
	fake.pin[1].pid = getpid();
	fake.pin[1].addr = (uintptr_t)map;
	fake.pin[1].len = 2 * PAGE;
	fake.pin[2].pid = 1 << 30;
	fake.pin[3].pid = getpid();
	fake.pin[3].addr = PAGE;
	fake.pin[3].len = PAGE;
	ok(!runf("-j pin show file %s", path) && shown("1"),
	   "filter: file; who ended meanwhile has none");
	ok(!runf("-j pin show file %s", other) && shown(""), "filter: file, nobody has it");
	ok(!runf("-j pin show file %s length %lu", path, 2 * PAGE) && shown("") &&
	   !runf("-j pin show file %s length %lu", path, 2 * PAGE + 1) && shown("1") &&
	   !runf("-j pin show file %s offset %lu", path, 4 * PAGE - 1) && shown("1") &&
	   !runf("-j pin show file %s offset %lu", path, 4 * PAGE) && shown(""),
	   "filter: a part of a file, to the byte");
	ok(!runf("-j pin show fs %s", other) && shown("1") &&
	   !run("-j pin show fs /proc") && shown(""), "filter: file system");
	ok(!runf("-n pin revoke file %s grace 5", path) &&
	   !strncmp(out, "pin 1 ", 6) && strchr(out, '\n')[1] == '\0' &&
	   !runf("-n pin drain %s 7", "pid") && !*out,
	   "-n: which pins are meant, and no more");
	ok(!run("-j -n pin revoke memory 8192 length 5") && shown("123") &&
	   fake.want_memory[0] == 8192 && fake.want_memory[1] == 5 && fake.want_node == -1 &&
	   !runf("-j -n pin drain node 0 file %s -- false", path) && shown("1") &&
	   !fake.want_memory[1] && !fake.want_node && !fake.grace,
	   "-n: the kernel says which have pages there");
	fake.err = -ENOENT;
	fake.text = "no such pin";
	ok(run("-n pin revoke 99") == EXIT_KERNEL && complained("revokectl: pins: no such pin\n") &&
	   run("-n pin revoke pid 1 offset 5") == EXIT_USAGE && strstr(err, "say which"),
	   "-n: what would be refused is");
	munmap(map, 4 * PAGE);
	unlink(path);
	unlink(other);
	close(fd);
	close(fd2);
	fake_stop();
}

static void test_orphan(void)
{
	int fd = memfd_create("test_show", MFD_CLOEXEC);
	char *map;

	if (fd < 0 || ftruncate(fd, 8 * PAGE))
		abort();
	map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(map, 1, 8 * PAGE);
	fake_start();
	fake.pin[1].pid = getpid();
	fake.pin[1].addr = (uintptr_t)map + PAGE;
	fake.pin[1].len = 6 * PAGE;
	fake.pin[1].flags = PIN_REVOKE_PIN_FLAGS_DECLARED;
	fake.pin[1].state = PIN_REVOKE_STATE_REVOKED;
	ok(!run("orphan show") && printed("") && !run("-j orphan show") && printed("[]\n"),
	   "orphan show: all of it is there");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 3 * PAGE))
		abort();
	ok(!run("-j orphan show") && json_is("0.orphan_bytes", json_type_int, "8192") &&
	   json_is("0.how", json_type_string, "exact") && json_is("0.pin.id", json_type_int, "1") &&
	   json_is("1", json_type_null, "(nothing)"),
	   "orphan show: a hole, as far as it is in the range");
	fake.pin[1].state = PIN_REVOKE_STATE_ASKED;
	ok(!run("orphan show") && printed(""), "orphan show: what was not taken has lost nothing");
	fake.pin[1].state = PIN_REVOKE_STATE_REVOKED;
	/* Pages 3 and 4 are left, the last of them in part. */
	if (ftruncate(fd, 5 * PAGE - 1))
		abort();
	ok(!run("-j orphan show") && json_is("0.orphan_bytes", json_type_int, "16384"),
	   "orphan show: cut off, but for the page that has a part of it");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE, PAGE))
		abort();
	ok(!run("-j orphan show") && json_is("0.orphan_bytes", json_type_int, "20480"),
	   "orphan show: and without that, too");
	mprotect(map, 8 * PAGE, PROT_READ);
	ok(!run("-j orphan show") && json_is("0.orphan_bytes", json_type_int, "8192"),
	   "orphan show: what nobody wrote may be a hole and there");
	fake.pin[1].flags = 0;
	ok(!run("orphan show") && printed(""), "orphan show: a pin has its pages, whatever the file says");
	fake.pin[1].state = PIN_REVOKE_STATE_GONE;
	fake.pin[2].flags = PIN_REVOKE_PIN_FLAGS_DECLARED;
	fake.pin[2].state = PIN_REVOKE_STATE_GONE;
	fake.pin[3].flags = PIN_REVOKE_PIN_FLAGS_DECLARED;
	fake.pin[3].pid = 1 << 30;
	ok(!run("orphan show") &&
	   (snprintf(line, sizeof(line),
		     "pin 2 " COMM "/412 0x7f0000002000+32.0MiB rxe0 lkey 0x1234  gone  revoked 0 forced 1  orphan 32.0MiB\n"
		     "pin 1 " COMM "/%d 0x%lx+24.0KiB rxe0 lkey 0x1234  gone  revoked 0 forced 1  registered, nothing is held\n",
		     getpid(), (unsigned long)map + PAGE), printed(line)),
	   "orphan show: gone; who ended meanwhile has none");
	ok(!run("-j orphan show top 1") && json_is("0.pin.id", json_type_int, "2") &&
	   json_is("1", json_type_null, "(nothing)"), "orphan show top: the largest");
	ok(!runf("-j orphan show pid %d", getpid()) && json_is("0.pin.id", json_type_int, "1") &&
	   json_is("1", json_type_null, "(nothing)"), "orphan show: of a process");
	fake_opendir_err = EMFILE;
	ok(run("orphan show") == EXIT_KERNEL && printed("") && strstr(err, "Too many open files"),
	   "orphan show: no list rather than one without the drivers of others");
	fake.connect_err = -ENOSYS;
	ok(run("orphan show") == EXIT_KERNEL && strstr(err, "modprobe"), "orphan show: no family");
	munmap(map, 8 * PAGE);
	close(fd);
	fake_stop();
}

static void test_check(void)
{
	char path[] = "/tmp/test_show-XXXXXX";
	int fd = mkstemp(path);
	char *map;

	if (fd < 0 || ftruncate(fd, PAGE))
		abort();
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	fake_start();
	fake.pin[2].pid = getpid();
	fake.pin[2].addr = (uintptr_t)map;
	fake.pin[2].len = 100;
	fake.pin[3].pid = getpid();
	ok(!runf("check %d", getpid()) &&
	   (snprintf(line, sizeof(line),
		     "process %d: yes: 2 pins of 32.0MiB can be revoked: revokectl pin revoke pid %d\nask points: ",
		     getpid(), getpid()), !strncmp(out, line, strlen(line))),
	   "check PID: what can be revoked, and where it is asked");
	fake.pin[3].flags = PIN_REVOKE_PIN_FLAGS_DECLARED;
	ok(!runf("check %d", getpid()) &&
	   strstr(out, ": yes: 1 pins of 4.0KiB can be revoked") &&
	   strstr(out, ": unknown: 1 declared ranges: the holder is asked") &&
	   !runf("-j holder show pid %d", getpid()) &&
	   json_is("0.pinned_bytes", json_type_int, "100"),
	   "check PID: a declared range is asked for, and pins nothing");
	ok(runf("-j check %d", 1 << 30) == EXIT_USAGE && !*out && strstr(err, "there is none"),
	   "check PID: of nobody");
	ok(run("-j check 0") == EXIT_USAGE && !*out && strstr(err, "there is none"),
	   "check PID: of 0, which nobody has");
	ok(!runf("check %s", path) && strstr(out, ": yes: tmpfs is memory: it can be pinned") &&
	   strstr(out, ": yes: 1 pins of 100B have pages of it and can be revoked"),
	   "check FILE: memory, and its pins");
	fake_opendir_err = EMFILE;
	ok(!runf("check %s", path) && strstr(out, ": unknown: /proc: Too many open files"),
	   "check FILE: who else has pinned cannot be seen");
	ok(!run("-j check /proc/self") && json_is("0.verdict", json_type_string, "no") &&
	   json_is("0.about", json_type_string, "/proc/self") &&
	   json_is("1.text", json_type_string, "no revocable pin has pages of it") &&
	   json_is("2.about", json_type_string, "ask points"),
	   "-j check FILE: what is none");
	ok(!run("check /proc/self/status") &&
	   strstr(out, ": unknown: writable pins on proc depend on the parameter any_fs"),
	   "check FILE: a file system of which nobody knows");
	munmap(map, PAGE);
	unlink(path);
	close(fd);
	fake_stop();
}

static void test_holder(void)
{
	fake_start();
	fake.pin[2].pid = getpid();
	fake.pin[2].comm = "big";
	fake.pin[2].len = 1ULL << 40;
	fake.nr_requests = 1;
	fake.remaining_ns = 0;
	fake.pin[1].pid = 1 << 30;
	fake.pin[3].pid = 1 << 30;
	ok(!run("holder show") && runf("holder") == EXIT_OK &&
	   (snprintf(line, sizeof(line),
		     "big/%d  uid %d  pins 1  pinned 1.0TiB of 1.0TiB  requests 0 overdue 0  revoked 0 forced 1\n"
		     COMM "/1073741824  pins 2  pinned 64.0MiB of 64.0MiB  requests 1 overdue 1  revoked 0 forced 2\n",
		     getpid(), getuid()), printed(line)),
	   "holder show: the largest first, their sums, a user if there is one");
	ok(!run("-j holder show") &&
	   json_is("0.pinned_bytes", json_type_int, "1099511627776") &&
	   json_is("1.pins", json_type_int, "2") &&
	   json_is("1.len_bytes", json_type_int, "67108864") &&
	   json_is("1.uid", json_type_null, "(nothing)") &&
	   json_is("1.forced", json_type_int, "2") && json_is("1.overdue", json_type_int, "1"),
	   "-j holder: numbers as they are");
	ok(!run("-j holder show top 1") && json_is("0.comm", json_type_string, "big") &&
	   !strcmp(json_value("1.comm"), "(nothing)"), "holder show top");
	ok(!run("-j holder show overdue") && json_is("0.pid", json_type_int, "1073741824") &&
	   !strcmp(json_value("1.comm"), "(nothing)"), "holder show overdue");
	fake.connect_err = -ENOSYS;
	ok(run("holder show") == EXIT_KERNEL &&
	   complained("revokectl: no pin-revoke in this kernel: modprobe pin_revoke\n"),
	   "holder show: no family");
	fake_stop();
}

static void test_request(void)
{
	fake_start();
	fake.nr_requests = 2;
	fake.pin[2].pid = 77;
	/* Request 7 has pin 1, request 8 has 1 and 2. */
	ok(!run("-j request show pid 77") && shown("8"), "request show: pid of a holder");
	ok(!run("-j request show reason writeback-s") && shown("78") &&
	   !run("-j request show reason admin") && shown(""), "request show: reason");
	ok(!run("-j request show overdue") && shown(""), "request show overdue: none is");
	fake.remaining_ns = 0;
	ok(!run("-j request show overdue top 1") && shown("7"), "request show overdue");
	ok(!run("-o request show pid 77") &&
	   printed("req 8 writeback-sync  answer within 0 ms  open for 32 ms  (fsync-er/415)\\    "
		   PIN(1) "\\    pin 2 " COMM "/77 0x7f0000002000+32.0MiB rxe0 lkey 0x1234\n"),
	   "-o: a request in one line");
	fake_stop();
}

static void test_stat(void)
{
	fake_start();
	ok(!run("stat show") &&
	   printed(
"102 pins of 103 bytes\n"
"104 requests, 105 pins revoked (106 forced), 107 restored\n"
"108 deadlines missed\n"
"109 bytes given back when memory was short\n"
"110 events that found no room\n"
"112 asks that a user's budget was too small for, others waited 113 ns for users who have one\n"
"114 times a driver took more than a second to stop its device\n"
"writeback-sync: 10 pins released, half within 2.4 ms, 99 of 100 within 32768.0 ms\n"),
	   "stat show: counters, and times of the reasons that there was one for");
	ok(!run("-j stat show") && json_is("0.pins", json_type_int, "102") &&
	   json_is("0.release_times.0.reason", json_type_string, "writeback-sync") &&
	   json_is("0.release_times.0.p50_ns", json_type_int, "2400000") &&
	   json_is("0.release_times.0.buckets.2", json_type_int, "5") &&
	   json_is("0.release_times.1", json_type_null, "(nothing)"),
	   "-j stat show: buckets as they are");
	fake.times[PIN_REVOKE_TIME_BUCKETS - 1] = 0;
	ok(!run("-j stat show") && json_is("0.release_times.0.p99_ns", json_type_int, "3964000"),
	   "stat show: 99 of 100, inside its bucket");
	fake_stop();
}

/* A terminal as standard error for one run; what was written there is in @err. */
static int run_on_tty(const char *what)
{
	int leader, tty, status;
	size_t len = 0;
	ssize_t got;

	if (openpty(&leader, &tty, NULL, NULL, NULL))
		abort();
	ctl_stderr = tty;
	status = run(what);
	ctl_stderr = -1;
	close(tty);
	/* Until the kernel has handed over all of it: then EIO */
	while ((got = read(leader, err + len, sizeof(err) - 1 - len)) > 0)
		len += got;
	err[len] = '\0';
	close(leader);
	return status;
}

static void test_people(void)
{
	fake_start();
	fake.revoke_opens = true;
	fake.revoke_works = true;
	fake.requests_after = 0;
	fake.pin[1].comm = "holder";
	setenv("TERM", "dumb", 1);
	ok(!run_on_tty("pin revoke 3 wait") && complained(""),
	   "wait: one that cannot move shows nothing");
	setenv("TERM", "linux", 1);
	fake.revoked = 0;
	ok(!run_on_tty("pin revoke 3 wait") &&
	   complained("\rrequest 7: 1 pins left (holder/412), 1.0 s\033[K\r\033[K"),
	   "wait: a terminal shows who is waited for, and then no more");
	ok(!run_on_tty("policy set reason admin grace 5") &&
	   strstr(err, "until pin_revoke is unloaded") && strstr(err, POLICY_DIR),
	   "policy set: tells people how long it lasts");
	fake_stop();
}

static void test_batch(void)
{
	char path[] = "/tmp/test_show-XXXXXX";
	int fd = mkstemp(path);

	dprintf(fd, "policy set reason admin grace 111 # first\n\n"
		    "policy del reason \"truncate\" comm \"a b\"\n");
	fake_start();
	ok(!runf("-n -b %s", path) && !fake.policy_cmd && !*err,
	   "-n -b: nothing is done");
	ok(!runf("-b %s", path) && fake.policy_cmd == PIN_REVOKE_CMD_POLICY_DEL &&
	   fake.policy[PIN_REVOKE_A_POLICY_REASON] == PIN_REVOKE_REASON_TRUNCATE &&
	   !memcmp(&fake.policy[PIN_REVOKE_A_POLICY_COMM], "a b", 4),
	   "-b: each line is done");
	dprintf(fd, "policy set reason admin skip 5\n");
	fake.policy_cmd = 0;
	ok(runf("-b %s", path) == EXIT_USAGE && !fake.policy_cmd &&
	   strstr(err, ":4: this line; nothing was done"),
	   "-b: the last line is wrong, the first is not done");
	if (ftruncate(fd, 0))
		abort();
	lseek(fd, 0, SEEK_SET);
	dprintf(fd, "policy set reason admin grace 1\npolicy set reason admin grace 2\n");
	fake.err = -EINVAL;
	fake.text = "not today";
	ok(runf("-b %s", path) == EXIT_KERNEL && strstr(err, "policy set: not today") &&
	   strstr(err, ":1: this line; 0 before it were done, 1 after it not"),
	   "-b: the kernel says no: which line, and what was done");
	fake_stop();
	unlink(path);
	close(fd);
}

static void put(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), POLICY_DIR "/%s", name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

static void test_files(void)
{
	if (mkdir(POLICY_DIR, 0700))
		abort();
	fake_start();
	put("10-a.conf", "policy set reason writeback-sync grace 1000\n"
			 "policy set reason writeback-background action skip\n"
			 "policy set reason writeback-other grace 3000\n");
	put("20-b.conf", "\npolicy set reason writeback-background skip 2000\n"
			 "policy set reason writeback-sync uid 7 grace 5\n"
			 "policy del reason writeback-other\n");
	ok(!run("policy show") &&
	   printed("writeback-sync       grace 1000 ms (10-a.conf:1)\n"
		   "writeback-background skip 2000 ms (20-b.conf:2)\n"
		   "writeback-other      grace 3000 ms\n"),
	   "policy show: the line of the file that sets it last");
	ok(!run("-j policy show") && json_is("1.skip_file", json_type_string, "20-b.conf:2") &&
	   json_is("2.grace_file", json_type_null, "(nothing)"),
	   "-j policy show: the same");
	put("20-b.conf", "policy set reason writeback-sync max-extend 1\n"
			 "policy set reason writeback-sync grace 1001\n"
			 "policy set reason writeback-background cgroup /nowhere skip 2000\n");
	ok(!run("policy show") && !*err &&
	   printed("writeback-sync       grace 1000 ms\n"
		   "writeback-background skip 2000 ms\n"
		   "writeback-other      grace 3000 ms (10-a.conf:3)\n"),
	   "policy show: no file says what holds; one that is wrong says nothing");
	unlink(POLICY_DIR "/10-a.conf");
	unlink(POLICY_DIR "/20-b.conf");
	rmdir(POLICY_DIR);
	fake_stop();
}

int main(void)
{
	test_filters();
	test_file();
	test_orphan();
	test_check();
	test_holder();
	test_request();
	test_stat();
	test_people();
	test_batch();
	test_files();
	json_done();
	return tap_done();
}
