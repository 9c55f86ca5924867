/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * librevoke - be asked before pinned memory is taken.
 *
 * A process whose memory a driver has pinned opens a context, polls its file
 * descriptor and answers what it hears. Everything lives in the kernel: a
 * request whose event was lost is told again, a context that is closed or whose
 * process dies simply stops being asked.
 *
 * Conventions
 * - Calls return 0 or a positive result, or a negative errno. errno itself is
 *   left alone. Nothing is printed. revoke_last_error() has the kernel's words.
 * - Every call on one context may be made from any thread, except that
 *   revoke_close() must be the last.
 * - A child of fork() has no context: there every call gives -ECHILD, except
 *   that revoke_close() drops the child's copies and leaves the parent alone.
 * - No call may be made from a signal handler unless it says so.
 * - Structures that may grow start with their size, set by the caller.
 */
#ifndef REVOKE_REVOKE_H
#define REVOKE_REVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/pin_revoke.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header: major version << 16, and minor. */
#define REVOKE_VERSION 0x00000001

/* The same of the library: it may be newer, and have more, than the header. */
unsigned int revoke_version(void);

struct revoke_ctx;

/**
 * struct revoke_open_opts - options of revoke_open()
 * @size: sizeof(struct revoke_open_opts)
 * @flags: enum pin_revoke_ctx_flags
 * @rcvbuf: socket buffer for events in bytes, 0 for the default
 */
struct revoke_open_opts {
	size_t size;
	uint32_t flags;
	uint32_t rcvbuf;
};

/**
 * revoke_open - make a context for the calling process
 * @opts: options, or NULL
 * @ctx: the new context
 *
 * Return: 0; -ENOSYS the kernel has no pin-revoke; -EINVAL bad options;
 * -ENOMEM, -EMFILE, or another negative errno.
 */
int revoke_open(const struct revoke_open_opts *opts, struct revoke_ctx **ctx);

/**
 * revoke_close - end a context
 * @ctx: may be NULL
 *
 * Open requests no longer wait for it.
 */
void revoke_close(struct revoke_ctx *ctx);

/**
 * revoke_fd - file descriptor that is readable while an event is waiting
 * @ctx: the context
 *
 * For poll(2) and its kin only; close-on-exec. POLLIN or POLLERR (events were
 * lost) mean revoke_next_event(). It stays readable until the last event was
 * taken, so taking one for each poll() is enough, except with EPOLLET.
 *
 * May be called from a signal handler.
 *
 * Return: the descriptor, valid until revoke_close(); -ECHILD.
 */
int revoke_fd(const struct revoke_ctx *ctx);

enum revoke_event_type {
	REVOKE_EVENT_RELEASE_SOON = 1,	/* answer with revoke_ack() */
	REVOKE_EVENT_REVOKED,		/* taken: the device has stopped */
	REVOKE_EVENT_RESTORED,		/* back, under the same keys */
	REVOKE_EVENT_CANCELLED,		/* the request ended by itself */
	REVOKE_EVENT_GONE,		/* the range is gone for good */
	REVOKE_EVENT_RESYNC,		/* events were lost: which pins are active? */
};

/**
 * struct revoke_pin - a pin
 * @id: never 0, never used twice
 * @addr: first byte in the holder's memory
 * @len: length in bytes
 * @state: enum pin_revoke_state
 * @flags: enum pin_revoke_pin_flags
 * @pid: process that registered it
 * @revoked: how often it was revoked
 * @forced: how often of these without the holder's consent
 * @comm: command name of that process
 * @driver: kernel module
 * @name: device and key, in the driver's words
 */
struct revoke_pin {
	uint64_t id;
	uint64_t addr;
	uint64_t len;
	uint32_t state;
	uint32_t flags;
	uint32_t pid;
	uint32_t revoked;
	uint32_t forced;
	char comm[16];
	char driver[64];
	char name[64];
};

/**
 * struct revoke_event - one pin, one thing that happened to it
 * @size: sizeof(struct revoke_event), set by the caller
 * @type: enum revoke_event_type
 * @reason: enum pin_revoke_reason
 * @flags: enum pin_revoke_event_flags
 * @request: id for revoke_ack(); 0 where nobody was asked
 * @remaining_ns: time left when the kernel sent it
 * @deadline_ns: CLOCK_MONOTONIC
 * @pin: the pin; id 0 for REVOKE_EVENT_RESYNC, or if the kernel named none
 *
 * A request for many pins is delivered as one event for each; one
 * revoke_ack() with pin 0 answers them all. What does not belong to a type is
 * 0: RESTORED has only @pin, GONE only @reason and @pin.
 *
 * After a RESYNC every request that this context has not answered is delivered
 * again by itself; what became of pins is in revoke_pin_list().
 */
struct revoke_event {
	size_t size;
	uint32_t type;
	uint32_t reason;
	uint32_t flags;
	uint64_t request;
	uint64_t remaining_ns;
	uint64_t deadline_ns;
	struct revoke_pin pin;
};

/**
 * revoke_next_event - take the next event without waiting
 * @ctx: the context
 * @event: filled in
 *
 * Never allocates memory.
 *
 * Return: 1 with an event, 0 if there is none, -EINVAL @event->size is too
 * small, or another negative errno.
 */
int revoke_next_event(struct revoke_ctx *ctx, struct revoke_event *event);

/**
 * revoke_wait_event - take the next event, wait for one if there is none
 * @ctx: the context
 * @event: filled in
 * @timeout_ms: how long, in milliseconds; 0: not at all, below: for ever
 *
 * Several threads may wait: each event goes to one of them. Never allocates
 * memory.
 *
 * Return: 1 with an event, 0 when the time is over, -EINTR a signal was handled,
 * or as revoke_next_event().
 */
int revoke_wait_event(struct revoke_ctx *ctx, struct revoke_event *event,
		      int timeout_ms);

/* @event and what it points to are valid during the call only. */
typedef void (*revoke_dispatch_fn)(struct revoke_ctx *ctx,
				   const struct revoke_event *event, void *arg);

/**
 * revoke_dispatch_start - have a thread take all events
 * @ctx: the context, opened with PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD, so that
 *	requests that this process causes itself are waited for, too
 * @fn: is given each event, by this thread, with no lock of the library held; may
 *	call it. What it waits for must not wait for the memory that is asked for.
 * @arg: for @fn
 *
 * The thread handles no signals, and allocates nothing. Until it is stopped nobody
 * else should take events.
 *
 * Return: 0; -EALREADY there is one; -EAGAIN, -EMFILE, or another negative errno.
 */
int revoke_dispatch_start(struct revoke_ctx *ctx, revoke_dispatch_fn fn,
			  void *arg);

/**
 * revoke_dispatch_stop - end that thread
 * @ctx: the context
 *
 * Waits until @fn has returned, and it is not called again. revoke_close() does
 * this, too. Events that come later stay in the context.
 *
 * Return: 0, also if there is none; -EDEADLK @fn itself has called; what the thread
 * had ended with before.
 */
int revoke_dispatch_stop(struct revoke_ctx *ctx);

/**
 * revoke_ack - answer a request
 * @ctx: the context
 * @request: id from the event
 * @pin: one pin, or 0 for all that this context was told of
 * @kind: enum pin_revoke_ack_kind, not EXTEND
 *
 * Never allocates memory; nor does revoke_extend().
 *
 * PIN_REVOKE_ACK_KIND_QUIESCED returns when the device has stopped and the
 * pages are on their way back.
 *
 * Return: 0; -ESTALE the request is over (RELEASED is true then too, and gives
 * 0); -ENOENT it never was, or this context was not told of the pin; -EALREADY
 * answered before; -EBUSY RELEASED was said of a pin that is still held;
 * -EINVAL.
 */
int revoke_ack(struct revoke_ctx *ctx, uint64_t request, uint64_t pin,
	       enum pin_revoke_ack_kind kind);

/**
 * revoke_extend - ask for more time, once per request and pin
 * @ctx: the context
 * @request: id from the event
 * @pin: one pin, or 0 for all
 * @ms: wanted
 *
 * Return: milliseconds granted (0: the policy grants none), or as revoke_ack().
 */
int revoke_extend(struct revoke_ctx *ctx, uint64_t request, uint64_t pin,
		  unsigned int ms);

/**
 * struct revoke_request - an open request
 * @size: sizeof(struct revoke_request) as the library was built
 * @id: id for revoke_ack()
 * @reason: enum pin_revoke_reason
 * @remaining_ns: time left
 * @deadline_ns: CLOCK_MONOTONIC
 * @elapsed_ns: time since it was opened
 * @trigger_pid: thread that caused it, 0 if that is not for us to know
 * @trigger_comm: its command name
 * @nr_pins: length of @pins
 * @pins: its pins, of this process
 */
struct revoke_request {
	size_t size;
	uint64_t id;
	uint32_t reason;
	uint32_t trigger_pid;
	uint64_t remaining_ns;
	uint64_t deadline_ns;
	uint64_t elapsed_ns;
	char trigger_comm[16];
	size_t nr_pins;
	const struct revoke_pin *pins;
};

/**
 * revoke_pin_list - call @fn for every pin of this process
 * @ctx: the context
 * @fn: gets a pin that is valid during the call; non-zero stops the list. May
 *	call the library.
 * @arg: for @fn
 *
 * With CAP_SYS_ADMIN in the initial user namespace: for every pin there is.
 *
 * A list that changed while it was read is read again, a few times; then @fn is
 * called for what was read last. Every pin that was there all the time is in it
 * once, those that came or went may be.
 *
 * Return: 0; what @fn returned; -EAGAIN it changed each time, @fn was called for all
 * of what was read last; or another negative errno, and @fn was not called.
 */
int revoke_pin_list(struct revoke_ctx *ctx,
		    int (*fn)(const struct revoke_pin *pin, void *arg),
		    void *arg);

/**
 * revoke_request_list - call @fn for every open request; as revoke_pin_list()
 * @ctx: the context
 * @fn: gets a request that is valid during the call; may answer it
 * @arg: for @fn
 *
 * Return: as revoke_pin_list().
 */
int revoke_request_list(struct revoke_ctx *ctx,
			int (*fn)(const struct revoke_request *req, void *arg),
			void *arg);

/* The driver's device may write into the range. */
#define REVOKE_RANGE_WRITE PIN_REVOKE_RANGE_FLAGS_WRITE

/**
 * struct revoke_range - memory that a driver uses which knows nothing of this
 * @size: sizeof(struct revoke_range), set by the caller in each
 * @addr: first byte
 * @len: length in bytes
 * @flags: REVOKE_RANGE_WRITE, or 0
 * @id: set by revoke_declare(): the pin that stands for it in events and lists
 * @word: set by revoke_declare(), for revoke_pin_valid()
 * @generation: so is this
 */
struct revoke_range {
	size_t size;
	uint64_t addr;
	uint64_t len;
	uint32_t flags;
	uint64_t id;
	const uint64_t *word;
	uint64_t generation;
};

/**
 * revoke_declare - be asked before the pages of these ranges are taken
 * @ctx: the context, to which the ranges belong: it alone hears of them, and its
 *	end is theirs
 * @name: for people who look at a list of pins, at most 63 bytes; or NULL
 * @ranges: an array, not used after the call
 * @nr: how many
 *
 * For drivers that were not converted: their pins cannot be taken, only asked
 * for. A range is a pin (PIN_REVOKE_PIN_FLAGS_DECLARED) without a device behind
 * it. After REVOKE_EVENT_RELEASE_SOON deregister from the driver, then
 * revoke_undeclare(), or answer with revoke_ack(). REVOKE_EVENT_REVOKED and
 * REVOKE_EVENT_GONE say that the pages were taken from under the driver: what it
 * writes from then on is lost, what it reads is old. Such a range does not come
 * back: undeclare it, declare it again, then register with the driver again.
 *
 * Declare first, let the driver pin then, check last (revoke_pin_valid()).
 *
 * All are declared, or none. A system call for every 64: cheap enough to be done for
 * each registration.
 *
 * Return: 0; -EFAULT a part is not mapped, or not writable with
 * REVOKE_RANGE_WRITE; -EINVAL no range of user memory, @name is too long, or
 * @size is too small; -EDQUOT the user has too many; -EAGAIN the range is being
 * changed all the time; -ENOMEM, or another negative errno.
 */
int revoke_declare(struct revoke_ctx *ctx, const char *name,
		   struct revoke_range *ranges, size_t nr);

/**
 * revoke_pin_valid - has nobody taken the range since it was declared
 * @range: as revoke_declare() has left it
 *
 * No system call: reads a word that the kernel changes when it takes the range,
 * before the memory changes. For caches of registrations, on each use:
 *
 *      this thread                        anybody: munmap, truncate, fsync, ...
 *
 *      revoke_declare()
 *                                         the word changes, then the pages go
 *      the driver pins: other pages
 *      revoke_pin_valid(): no
 *      deregister, undeclare, again
 *
 *      revoke_declare()
 *      the driver pins: these pages
 *                                         the word changes, then the pages go
 *      revoke_pin_valid(): no
 *
 *      revoke_declare()
 *      the driver pins: these pages
 *      revoke_pin_valid(): yes, they are what this process sees
 *                                         asks first, if it can: an event
 *
 * Yes is about the past: stop using the range when an event says so. Not after
 * revoke_undeclare() or revoke_close(). May be called from a signal handler. In a
 * child of fork() it tells of the parent's range.
 */
static inline bool revoke_pin_valid(const struct revoke_range *range)
{
	return __atomic_load_n(range->word, __ATOMIC_ACQUIRE) == range->generation;
}

/**
 * revoke_undeclare - the driver does not use these ranges any more
 * @ctx: the context that declared them
 * @ranges: an array; only @size and @id are used
 * @nr: how many
 *
 * Whoever waits for one goes on when this returns: deregister from the driver
 * first. Needed for ranges that were revoked or are gone, too.
 *
 * Return: 0; -ENOENT one was not declared by this context, those after it still
 * are; -EINVAL @size is too small; or another negative errno.
 */
int revoke_undeclare(struct revoke_ctx *ctx, const struct revoke_range *ranges,
		     size_t nr);

/**
 * revoke_declare_file - the same for parts of a file, mapped here or not
 * @ctx: the context
 * @name: as in revoke_declare()
 * @fd: of a regular file; open for reading, and for writing with REVOKE_RANGE_WRITE.
 *	Not used after the call
 * @ranges: an array; of each @addr is the offset in the file, and becomes the address
 *	of a mapping that is only there for this: leave it alone
 * @nr: how many, 64 at most
 *
 * For memory that the driver got from somebody else's mapping, or from one that is
 * gone. In a child of fork() there are no such mappings.
 *
 * Return: as revoke_declare(), besides: -E2BIG too many; -EINVAL no part of a file;
 * -EACCES @fd is not open for this; -ENODEV the file cannot be mapped; or another
 * errno of mmap(2). If it fails, each @addr is as it was.
 */
int revoke_declare_file(struct revoke_ctx *ctx, const char *name, int fd,
			struct revoke_range *ranges, size_t nr);

/**
 * revoke_undeclare_file - the driver does not use these parts any more
 * @ctx: the context that declared them
 * @ranges: an array, as revoke_declare_file() has left it
 * @nr: how many
 *
 * Return: as revoke_undeclare().
 */
int revoke_undeclare_file(struct revoke_ctx *ctx, const struct revoke_range *ranges,
			  size_t nr);

/**
 * revoke_claim - pins of drivers belong to this context from now on
 * @ctx: the context
 * @ranges: an array; of each @size and @id, or with @id 0 @addr and @len. @id, @word
 *	and @generation are set
 * @nr: how many
 *
 * No other context hears of them, or is waited for, until this one is closed. Pins
 * that nobody has claimed belong to all contexts of the process. By @addr and @len
 * the youngest pin of exactly this range is meant.
 *
 * From then on there is revoke_pin_valid() for them. Claim a pin again after
 * REVOKE_EVENT_RESTORED: it is valid in another generation.
 *
 * Return: 0; -ENOENT no such pin; -EBUSY another context has claimed it; -EPERM it
 * is another process's; -EINVAL @size is too small; -ENOMEM, or another negative
 * errno. After an error some may be claimed.
 */
int revoke_claim(struct revoke_ctx *ctx, struct revoke_range *ranges, size_t nr);

/**
 * revoke_restore - would like to have a pin back
 * @ctx: the context
 * @pin: its id
 *
 * For drivers that bring pages back on access (rdma_rxe does): all of them, before
 * anybody accesses them. Does not wait for it; REVOKE_EVENT_RESTORED tells.
 *
 * Return: 0; -ENOENT no such pin; -EPERM it is another process's; -EOPNOTSUPP only
 * its driver can; or another negative errno.
 */
int revoke_restore(struct revoke_ctx *ctx, uint64_t pin);

/**
 * struct revoke_policy - what happens to a pin for a reason
 * @size: sizeof(struct revoke_policy), set by the caller
 * @action: enum pin_revoke_action
 * @grace_ms: time to answer; less for a user who has delayed others for long
 * @max_extend_ms: the most that revoke_extend() adds
 * @skip_ms: in place of @grace_ms for background writeback
 * @repeat_ms: how often an unanswered request is told again; 0: once
 *
 * What means nothing for the reason is 0.
 */
struct revoke_policy {
	size_t size;
	uint32_t action;
	uint32_t grace_ms;
	uint32_t max_extend_ms;
	uint32_t skip_ms;
	uint32_t repeat_ms;
};

/**
 * revoke_policy_get - what to expect
 * @ctx: the context
 * @pin: a pin of this process: what holds for it; 0: what holds where nothing is set
 *	for a user, cgroup or command
 * @reason: enum pin_revoke_reason
 * @policy: filled in
 *
 * Return: 0; -ENOENT no such pin; -EPERM it is another process's; -EINVAL
 * @policy->size is too small; -ERANGE no such reason; or another negative errno.
 */
int revoke_policy_get(struct revoke_ctx *ctx, uint64_t pin,
		      enum pin_revoke_reason reason, struct revoke_policy *policy);

/**
 * struct revoke_features - what the kernel's module can do
 * @size: sizeof(struct revoke_features), set by the caller
 * @flags: PIN_REVOKE_FEATURE_FLAGS_*
 * @asks: bit n is set if holders are asked for reason n (enum pin_revoke_reason); for
 *	the others pins are taken, and holders are told
 */
struct revoke_features {
	size_t size;
	uint32_t flags;
	uint32_t asks;
};

/**
 * revoke_features - what can this kernel do
 * @ctx: the context
 * @features: filled in
 *
 * A function that could not be wrapped when there was a pin last counts as one where
 * nobody is asked; so do all, if the module was told so (parameter ask).
 *
 * Return: 0; -EINVAL @features->size is too small; -EOPNOTSUPP the module is older than
 * this question; or another negative errno.
 */
int revoke_features(struct revoke_ctx *ctx, struct revoke_features *features);

/**
 * revoke_last_error - the kernel's words for the last error
 * @ctx: the context; NULL after revoke_open() has failed
 *
 * Return: a text about the calling thread's last call, empty if the kernel
 * gave none; valid in this thread until its next call on any context. May be
 * called from a signal handler, but not believed there while a call is running.
 */
const char *revoke_last_error(const struct revoke_ctx *ctx);

/*
 * Tokens of the specification, "?" for a value it does not know. May be called
 * from a signal handler.
 */
const char *revoke_reason_name(uint32_t reason);
const char *revoke_state_name(uint32_t state);
const char *revoke_ack_kind_name(uint32_t kind);
const char *revoke_event_name(uint32_t type);

#ifdef __cplusplus
}
#endif

#endif /* REVOKE_REVOKE_H */
