/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Names that the linker makes for rxe_gate.c: __wrap_ is called in the place of a
 * function of soft-RoCE, __real_ is that function. Must never be included by the driver.
 */
#ifndef RXE_GATE_H
#define RXE_GATE_H

#include "rxe.h"

int __real_rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length);
int __wrap_rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length);

int __real_region_intersects(resource_size_t start, size_t size, unsigned long flags,
			     unsigned long desc);
int __wrap_region_intersects(resource_size_t start, size_t size, unsigned long flags,
			     unsigned long desc);

/* As in rxe_compat.h: the driver of old has these. */
#ifdef RXE_BUF_PER_MAP
int __real_rxe_requester(void *arg);
int __wrap_rxe_requester(void *arg);
int __real_rxe_completer(void *arg);
int __wrap_rxe_completer(void *arg);
int __real_rxe_responder(void *arg);
int __wrap_rxe_responder(void *arg);
#else
int __real_rxe_sender(struct rxe_qp *qp);
int __wrap_rxe_sender(struct rxe_qp *qp);
int __real_rxe_receiver(struct rxe_qp *qp);
int __wrap_rxe_receiver(struct rxe_qp *qp);
#endif

#endif /* RXE_GATE_H */
