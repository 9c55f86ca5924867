// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: the RDMA memory regions of a process, whoever is their driver, as the
 * RDMA subsystem lists them. It knows their lengths, not where they are.
 *
 * Must never be needed: without RDMA there are none.
 */
#include <errno.h>
#include <rdma/rdma_netlink.h>
#include <unistd.h>
#include "revokectl.h"

struct sum {
	struct nl_sock *sk;
	uint32_t pid;
	uint64_t bytes;
	uint32_t device[64];
	unsigned int nr_devices;
};

static int ask(struct sum *sum, int cmd, const uint32_t *device, nl_recvmsg_msg_cb_t fn)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, cmd),
						NLM_F_REQUEST | NLM_F_DUMP);
	int err = -NLE_NOMEM;

	if (msg && (!device || !nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX, *device)))
		err = nl_send_auto(sum->sk, msg);
	nlmsg_free(msg);
	nl_socket_modify_cb(sum->sk, NL_CB_VALID, NL_CB_CUSTOM, fn, sum);
	return err < 0 ? err : nl_recvmsgs_default(sum->sk);
}

static int on_device(struct nl_msg *msg, void *arg)
{
	struct nlattr *index = nlmsg_find_attr(nlmsg_hdr(msg), 0, RDMA_NLDEV_ATTR_DEV_INDEX);
	struct sum *sum = arg;

	if (index && sum->nr_devices < sizeof(sum->device) / sizeof(sum->device[0]))
		sum->device[sum->nr_devices++] = nla_get_u32(index);
	return NL_OK;
}

static int on_regions(struct nl_msg *msg, void *arg)
{
	struct nlattr *list = nlmsg_find_attr(nlmsg_hdr(msg), 0, RDMA_NLDEV_ATTR_RES_MR);
	const uint64_t page = sysconf(_SC_PAGESIZE);
	struct nlattr *entry, *pid, *len;
	struct sum *sum = arg;
	int left;

	if (!list)
		return NL_OK;
	nla_for_each_nested(entry, list, left) {
		pid = nla_find(nla_data(entry), nla_len(entry), RDMA_NLDEV_ATTR_RES_PID);
		len = nla_find(nla_data(entry), nla_len(entry), RDMA_NLDEV_ATTR_RES_MRLEN);
		if (pid && len && nla_get_u32(pid) == sum->pid)
			sum->bytes += (nla_get_u64(len) + page - 1) & -page;
	}
	return NL_OK;
}

/* Bytes of all regions of a process, in whole pages; false if nobody can say. */
bool regions_bytes(uint32_t pid, uint64_t *bytes)
{
	struct sum sum = { .sk = nl_socket_alloc(), .pid = pid };
	unsigned int i;
	int err = -NLE_NOMEM;

	if (sum.sk) {
		nl_socket_disable_auto_ack(sum.sk);
		err = nl_connect(sum.sk, NETLINK_RDMA);
	}
	if (!err)
		err = ask(&sum, RDMA_NLDEV_CMD_GET, NULL, on_device);
	for (i = 0; !err && i < sum.nr_devices; i++)
		err = ask(&sum, RDMA_NLDEV_CMD_RES_MR_GET, &sum.device[i], on_regions);
	nl_socket_free(sum.sk);
	*bytes = sum.bytes;
	return !err;
}
