// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl against the fake peer: what it prints, as text and as JSON, what
 * it sends, and its exit status. The command lines themselves are tested by
 * test_cli.sh.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <json-c/json.h>
#include "ctl.h"
#include "fake_calls.h"
#include "fake_peer.h"
#include "../../tools/revokectl/revokectl.h"
#include "tap.h"

static const char not_permitted[] =
	"revokectl: pin 9: Operation not permitted; run it as root in the initial user namespace\n";

static void test_pin_show(void)
{
	fake_start();
	ok(!run("pin show") &&
	   printed(PIN(1) "  active  revoked 0 forced 1\n"
		   PIN(2) "  active  revoked 0 forced 1\n"
		   PIN(3) "  active  revoked 0 forced 1\n"),
	   "pin show: a line for each pin, control characters escaped");
	ok(!run("pin show 2") && printed(PIN(2) "  active  revoked 0 forced 1\n"),
	   "pin show ID: that one");
	ok(!run("-d pin show 2") &&
	   printed(PIN(2) "  active  driver rdma_rxe write file  revoked 0 forced 1\n"),
	   "-d adds driver and flags");
	ok(!run("-j pin show") && json_is("2.id", json_type_int, "3") &&
	   json_is("0.addr", json_type_string, "0x7f0000001000") &&
	   json_is("0.len_bytes", json_type_int, "33554432") &&
	   json_is("0.pid", json_type_int, "412") &&
	   json_is("0.comm", json_type_string, "rdma\\x1b[2J\\x0a\\x7f\\xc2\\x9b") &&
	   json_is("0.state", json_type_string, "active") &&
	   json_is("0.flags.1", json_type_string, "file") &&
	   json_is("0.driver", json_type_string, "rdma_rxe") &&
	   json_is("0.name", json_type_string, "rxe0 lkey 0x1234") &&
	   json_is("0.forced", json_type_int, "1"),
	   "-j: an array, numbers as numbers, addresses as strings");
	ok(strchr(out, '\n') == out + strlen(out) - 1, "-j: in one line");
	ok(!run("-jp pin show 2") && strchr(out, '\n') < strrchr(out, '\n') &&
	   json_is("0.id", json_type_int, "2"), "-jp: in many");
	fake.err = -ENOENT;
	fake.text = "no such pin";
	ok(run("-j pin show 9") == EXIT_KERNEL && !*out &&
	   complained("revokectl: pin 9: no such pin\n"),
	   "no such pin: status 2, the kernel's words, half a JSON never");
	fake.err = -EPERM;
	ok(run("pin show 9") == EXIT_KERNEL &&
	   complained(not_permitted),
	   "no permission: what to do about it");
	fake.connect_err = -ENOSYS;
	ok(run("pin show") == EXIT_KERNEL &&
	   complained("revokectl: no pin-revoke in this kernel: modprobe pin_revoke\n"),
	   "no family: what to do about it");
	fake_stop();
}

static void test_request(void)
{
	fake_start();
	ok(!run("-j request show") && printed("[]\n"), "no requests: an empty array");
	fake.nr_requests = 2;
	ok(!run("request show") &&
	   printed("req 7 writeback-sync  answer within 1000 ms  open for 32 ms  (fsync-er/415)\n"
		   "    " PIN(1) "\n"
		   "req 8 writeback-sync  answer within 1000 ms  open for 32 ms  (fsync-er/415)\n"
		   "    " PIN(1) "\n    " PIN(2) "\n"),
	   "request show: each with its pins");
	ok(!run("-j req") && json_is("1.id", json_type_int, "8") &&
	   json_is("1.reason", json_type_string, "writeback-sync") &&
	   json_is("1.remaining_ns", json_type_int, "1000000000") &&
	   json_is("1.elapsed_ns", json_type_int, "31800000") &&
	   json_is("1.deadline_ns", json_type_int, "5000000000") &&
	   json_is("1.trigger.pid", json_type_int, "415") &&
	   json_is("1.trigger.comm", json_type_string, "fsync-er") &&
	   json_is("1.pins.1.id", json_type_int, "2") &&
	   json_is("1.pins.1.revoked", json_type_null, "(nothing)"),
	   "-j request: the same, and no counters that nobody gave");
	fake_stop();
}

static void test_policy(void)
{
	fake_start();
	ok(!run("policy show") &&
	   printed("writeback-sync       grace 1000 ms\n"
		   "writeback-background skip 2000 ms\n"
		   "writeback-other      grace 3000 ms\n"),
	   "policy show: a line for each reason");
	ok(!run("-j policy") && json_is("1.skip_ms", json_type_int, "2000") &&
	   json_is("0.reason", json_type_string, "writeback-sync"),
	   "-j policy");
	ok(!run("policy set reason writeback-s gr 500 max-extend 0x10") &&
	   fake.policy[PIN_REVOKE_A_POLICY_REASON] ==
			PIN_REVOKE_REASON_WRITEBACK_SYNC &&
	   fake.policy[PIN_REVOKE_A_POLICY_GRACE_MS] == 500 &&
	   fake.policy[PIN_REVOKE_A_POLICY_MAX_EXTEND_MS] == 16 &&
	   fake.policy[PIN_REVOKE_A_POLICY_SKIP_MS] == ~0U && !*out,
	   "policy set: says what was given, and only that");
	ok(!run("policy set skip 30000 reason admin") &&
	   fake.policy[PIN_REVOKE_A_POLICY_REASON] == PIN_REVOKE_REASON_ADMIN &&
	   fake.policy[PIN_REVOKE_A_POLICY_SKIP_MS] == 30000,
	   "policy set: in any order");
	ok(!run("policy set reason admin uid 0 action report repeat 250") &&
	   fake.policy_cmd == PIN_REVOKE_CMD_POLICY_SET &&
	   fake.policy[PIN_REVOKE_A_POLICY_UID] == 0 &&
	   fake.policy[PIN_REVOKE_A_POLICY_ACTION] == PIN_REVOKE_ACTION_REPORT &&
	   fake.policy[PIN_REVOKE_A_POLICY_REPEAT_MS] == 250 &&
	   fake.policy[PIN_REVOKE_A_POLICY_GRACE_MS] == ~0U &&
	   fake.policy[PIN_REVOKE_A_POLICY_CGROUP] == ~0U &&
	   fake.policy[PIN_REVOKE_A_POLICY_COMM] == ~0U,
	   "policy set: for a user");
	ok(!run("policy set reason admin cgroup 4711 action force") &&
	   fake.policy[PIN_REVOKE_A_POLICY_CGROUP] == 4711 &&
	   fake.policy[PIN_REVOKE_A_POLICY_ACTION] == PIN_REVOKE_ACTION_FORCE,
	   "policy set: for a cgroup, by number");
	ok(!run("policy del reason admin comm ab") &&
	   fake.policy_cmd == PIN_REVOKE_CMD_POLICY_DEL &&
	   !memcmp(&fake.policy[PIN_REVOKE_A_POLICY_COMM], "ab", 3) &&
	   fake.policy[PIN_REVOKE_A_POLICY_UID] == ~0U,
	   "policy del: of a command name");
	ok(!run("policy show pin 9") && fake.policy_pin == 9 &&
	   !strncmp(out, "writeback-sync       grace 700 ms (cgroup) max-extend 800 ms action ask (comm)\n",
		    79) && strstr(out, "\ndriver-unbind        grace 700 ms"),
	   "policy show pin: where each value comes from");
	ok(!run("-j policy show pin 9") &&
	   json_is("0.grace_from", json_type_string, "cgroup") &&
	   json_is("0.max_extend_from", json_type_string, "default") &&
	   json_is("0.action", json_type_string, "ask") &&
	   json_is("0.skip_from", json_type_null, "(nothing)") &&
	   json_is("14.reason", json_type_string, "driver-unbind"),
	   "-j policy show pin: the same, for every reason");
	fake.err = -EINVAL;
	fake.text = "skip-ms is for writeback-background";
	ok(run("policy set reason admin skip 1") == EXIT_KERNEL &&
	   complained("revokectl: policy set: skip-ms is for writeback-background\n"),
	   "policy set: the kernel's words");
	fake_stop();
}

static void test_revoke(void)
{
	fake_start();
	ok(!run("pin revoke 3 grace 250") && printed("pin 3 taken\n") &&
	   fake.grace == 250, "pin revoke: taken at once");
	ok(!run("pin revoke 3 force") && !fake.grace, "pin revoke: force is grace 0");
	fake.revoke_opens = true;
	ok(!run("-j pin revoke 3") && printed("[{\"pin\":3,\"request\":7}]\n") &&
	   fake.grace == -1, "pin revoke: the request that was opened");
	fake.requests_after = 0;
	fake.revoke_works = true;
	ok(!run("pin revoke 3 wait") && printed("pin 3 request 7\n") && !*err,
	   "wait: until the request is over");
	fake.revoke_works = false;
	ok(run("pin revoke 3 wait") == EXIT_HOLDERS &&
	   complained("revokectl: pin 3 is still held by rdma\\x1b[2J\\x0a\\x7f\\xc2\\x9b/412\n"),
	   "wait: the request is over and the pin still held: status 3");
	fake.requests_after = 1;
	fake.remaining_ns = 0;
	ok(run("pin revoke 3 wait") == EXIT_TIMEOUT &&
	   strstr(err, "past its deadline"),
	   "wait: a second after the deadline: status 4");
	fake_join_err = -NLE_PERM;
	ok(run("pin revoke 3 wait") == EXIT_KERNEL && strstr(err, "as root") &&
	   !*out, "wait: nothing is asked if we may not listen");
	fake_join_err = 0;
	fake_stop();
}

static void ack(struct nl_msg *msg)
{
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_ACK,
		    PIN_REVOKE_ACK_KIND_QUIESCED);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_CTX, 1);
}

static void send_all(void)
{
	uint32_t port = fake.monitor_port;
	struct nl_msg *msg;

	fake_send(port, fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7, 1));

	msg = fake_msg(PIN_REVOKE_CMD_ACKED, 0, 0);
	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ID, 7);
	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ELAPSED_NS, 31800000);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_REASON,
		    PIN_REVOKE_REASON_WRITEBACK_SYNC);
	ack(msg);
	fake_put_pins(msg, 1, 1);
	fake_send(port, msg);

	msg = fake_msg(PIN_REVOKE_CMD_REVOKED, 0, 0);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_REASON,
		    PIN_REVOKE_REASON_INVALIDATE);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_FLAGS,
		    PIN_REVOKE_EVENT_FLAGS_FORCED);
	fake_put_pins(msg, 2, 1);
	fake_send(port, msg);

	msg = fake_msg(PIN_REVOKE_CMD_RESTORED, 0, 0);
	fake_put_pins(msg, 2, 1);
	nla_put(msg, PIN_REVOKE_A_REQUEST_PIN, 1, "x");
	fake_send(port, msg);
}

/* revokectl monitor never ends by itself: read @lines of it, then end it. */
static void monitor(const char *line, int lines)
{
	size_t len = 0;
	int fds[2], nr = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(fds))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *argv[] = { "revokectl", (char *)line, "monitor", NULL };

		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		optind = 0;
		fake_on_join = send_all;
		_exit(revokectl_main(3, argv));
	}
	close(fds[1]);
	while (nr < lines && (got = read(fds[0], out + len, 1)) == 1)
		nr += out[len++] == '\n';
	out[len] = '\0';
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* An entry has a line for each field; one by one, as long as they come. */
static void test_journal(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;
	static char entry[5][4096];
	pid_t pid;

	fake_start();
	ok(run("monitor --journal") == EXIT_KERNEL &&
	   complained("revokectl: monitor: is systemd-journald there? " JOURNAL_SOCKET
		      ": No such file or directory\n"), "monitor --journal: there is none");
	ok(run("-j monitor --journal") == EXIT_USAGE && strstr(err, "leave out -j"),
	   "monitor --journal: no JSON");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		fake_on_join = send_all;
		_exit(run("monitor --journal"));
	}
	for (i = 0; i < 5; i++)
		if (read(fd, entry[i], sizeof(entry[i]) - 1) < 0)
			abort();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(!strcmp(entry[0], "MESSAGE=LISTENING     for events\n"
			     "SYSLOG_IDENTIFIER=revokectl\n"
			     "PIN_REVOKE_EVENT=listening\n"
			     "PRIORITY=6\n"), "monitor --journal: it listens");
	snprintf(out, sizeof(out), "%s", entry[2]);
	ok(printed("MESSAGE=ACKED         req 7 quiesced by ctx 1 after 31.8 ms  " PIN(1) "\n"
		   "SYSLOG_IDENTIFIER=revokectl\n"
		   "PIN_REVOKE_EVENT=acked\n"
		   "PIN_REVOKE_REQUEST=7\n"
		   "PIN_REVOKE_ACK=quiesced\n"
		   "PIN_REVOKE_CTX=1\n"
		   "PIN_REVOKE_REASON=writeback-sync\n"
		   "PIN_REVOKE_ELAPSED_NS=31800000\n"
		   "PIN_REVOKE_PIN_ID=1\n"
		   "PIN_REVOKE_PIN_COMM=" COMM "\n"
		   "PIN_REVOKE_PIN_PID=412\n"
		   "PIN_REVOKE_PIN_ADDR=0x7f0000001000\n"
		   "PIN_REVOKE_PIN_LEN_BYTES=33554432\n"
		   "PIN_REVOKE_PIN_NAME=rxe0 lkey 0x1234\n"
		   "PIN_REVOKE_PIN_STATE=active\n"
		   "PIN_REVOKE_PIN_DRIVER=rdma_rxe\n"
		   "PIN_REVOKE_PIN_FLAGS=write\n"
		   "PIN_REVOKE_PIN_FLAGS=file\n"
		   "PRIORITY=6\n"), "monitor --journal: a field for each value");
	ok(strstr(entry[1], "\nPIN_REVOKE_TRIGGER_PID=415\n") &&
	   strstr(entry[3], "\nPIN_REVOKE_FLAGS=forced\n") && strstr(entry[3], "\nPRIORITY=5\n") &&
	   strstr(entry[4], "\nPIN_REVOKE_EVENT=lost\n") && strstr(entry[4], "\nPRIORITY=4\n"),
	   "monitor --journal: what is forced is worth a notice, a loss a warning");
	close(fd);
	unlink(JOURNAL_SOCKET);
	fake_stop();
}

/* Time is the one thing that differs: blank it in each line. */
static void blank_times(void)
{
	char *line;

	for (line = out; *line; line = strchr(line, '\n') + 1)
		memcpy(line, "   0.000", 8);
}

static void test_monitor(void)
{
	struct json_tokener *tok = json_tokener_new();
	const char *line;
	int nr = 0;

	fake_start();
	monitor("--", 5);
	blank_times();
	ok(printed("   0.000 LISTENING     for events\n"
		   "   0.000 RELEASE_SOON  req 7 writeback-sync  " PIN(1)
		   "  answer within 1000 ms  (fsync-er/415)\n"
		   "   0.000 ACKED         req 7 quiesced by ctx 1 after 31.8 ms  "
		   PIN(1) "\n"
		   "   0.000 REVOKED       invalidate forced  " PIN(2) "\n"
		   "   0.000 LOST          events: see revokectl request show\n"),
	   "monitor: a line for each event, and for a loss");
	monitor("-j", 4);
	for (line = out; *line; line = strchr(line, '\n') + 1) {
		struct json_object *o;

		o = json_tokener_parse_ex(tok, line, strchr(line, '\n') - line);
		nr += json_object_is_type(o, json_type_object);
		json_object_put(o);
		json_tokener_reset(tok);
	}
	ok(nr == 4, "-j monitor: an object in each line");
	memmove(out, strchr(out, '\n') + 1, strlen(strchr(out, '\n')));
	ok(json_is("event", json_type_string, "release-soon") &&
	   json_is("request", json_type_int, "7") &&
	   json_is("pin.id", json_type_int, "1") &&
	   json_is("remaining_ns", json_type_int, "1000000000") &&
	   json_is("trigger.pid", json_type_int, "415"),
	   "-j monitor: with everything the event has");
	json_tokener_free(tok);
	fake_join_err = -NLE_PERM;
	ok(run("monitor") == EXIT_KERNEL && strstr(err, "as root"),
	   "monitor: no permission");
	fake_join_err = 0;
	fake_stop();
}

int main(void)
{
	test_pin_show();
	test_request();
	test_policy();
	test_revoke();
	test_monitor();
	test_journal();
	json_done();
	return tap_done();
}
